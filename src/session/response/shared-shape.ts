import { IncomingMessage, ServerResponse } from 'node:http';

const isSlow = Number(process.versions.node.split('.')[0]) < 24;

/**
 * Makes a request or response fast to extend again. Express gives each its own prototype: before Node.js 24 the engine then
 * copies the description of all properties for each one that is added, 3 µs each time, and two objects never share it.
 * An object that lost a property keeps its properties in a table, which has no such description.
 */
export function shareShape(message: IncomingMessage | ServerResponse): void {
  if (!isSlow) return;
  const prototype: unknown = Object.getPrototypeOf(message);
  if (prototype === IncomingMessage.prototype || prototype === ServerResponse.prototype) return;
  // Nobody watches these two; they are back at once.
  renew(message, message instanceof IncomingMessage ? 'httpVersionMajor' : 'sendDate');
}

function renew(object: object, name: string): void {
  if (!Object.hasOwn(object, name)) return;
  const value: unknown = Reflect.get(object, name);
  Reflect.deleteProperty(object, name);
  Reflect.set(object, name, value);
}
