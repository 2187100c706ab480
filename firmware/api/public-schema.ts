/**
 * The schema of a document as it is given out, from the schema of the document as it is kept: instead of each secret
 * `<name>Set`. Answers are written by it, so that a secret has no way out even by mistake.
 */
import { type TSchema, Type } from 'typebox';

interface Node {
  type?: string;
  properties?: Record<string, Node>;
  items?: Node;
  secret?: boolean;
}

export function publicSchema(schema: TSchema): TSchema {
  return Type.Unsafe(publicNode(schema as Node));
}

function publicNode(node: Node): Node {
  if (node.items) return { type: 'array', items: publicNode(node.items) };
  if (!node.properties) return { ...node };
  const properties: Record<string, Node> = {};
  for (const [name, property] of Object.entries(node.properties)) {
    if (property.secret) properties[`${name}Set`] = { type: 'boolean' };
    else properties[name] = publicNode(property);
  }
  return { type: 'object', properties };
}
