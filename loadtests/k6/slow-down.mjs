// Loaded into the API before its own code: holds each request back. `?ms=` says for how long.
import { Server } from 'node:http';

const ms = Number(new URL(import.meta.url).searchParams.get('ms'));
const { emit } = Server.prototype;
Server.prototype.emit = function (event, ...values) {
  if (event !== 'request') return emit.call(this, event, ...values);
  setTimeout(() => emit.call(this, event, ...values), ms);
  return true;
};
