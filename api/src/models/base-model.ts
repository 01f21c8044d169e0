import { Model, snakeCaseMappers } from 'objection';

/** Columns are snake_case, properties camelCase. Always query a model in a transaction: `Agent.query(trx)`. */
export class BaseModel extends Model {
  static override get columnNameMappers() {
    return snakeCaseMappers();
  }
}
