import { IncomingMessage, ServerResponse } from 'node:http';

const isSlow = Number(process.versions.node.split('.')[0]) < 24;

/**
 * Makes it fast to add properties to a request or response. Express sets the prototype of each. Before Node.js 24, V8 then copies
 * the object's hidden class for each added property, which takes 3 µs, and objects never share it. Deleting a property switches
 * the object to dictionary mode, which has no hidden class.
 */
export function shareShape(message: IncomingMessage | ServerResponse): void {
  if (!isSlow) return;
  const prototype: unknown = Object.getPrototypeOf(message);
  if (prototype === IncomingMessage.prototype || prototype === ServerResponse.prototype) return;
  // No code depends on the order of these properties, and they are restored immediately.
  renew(message, message instanceof IncomingMessage ? 'httpVersionMajor' : 'sendDate');
}

function renew(object: object, name: string): void {
  if (!Object.hasOwn(object, name)) return;
  const value: unknown = Reflect.get(object, name);
  Reflect.deleteProperty(object, name);
  Reflect.set(object, name, value);
}
