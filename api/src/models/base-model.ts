import { Model, snakeCaseMappers } from 'objection';

/** Columns are snake_case, properties camelCase. A model is always asked for through a transaction: `Agent.query(trx)`. */
export class BaseModel extends Model {
  static override get columnNameMappers() {
    return snakeCaseMappers();
  }
}
