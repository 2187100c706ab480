/** What an image says of the board that it is made for. Must not look at the hardware. */
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { schemaProblems } from '../../store/shape.js';

export const BoardSchema = Type.Object({
  board: Type.String({
    pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
    description: 'name of the board, as its folder is called',
  }),
  version: Type.String({ minLength: 1, maxLength: 64, description: 'of the image' }),
  buildTime: Type.Integer({ minimum: 0, description: 'Unix time in seconds' }),
  lan: Type.String({ description: 'interface from which the box is administered' }),
  wan: Type.String({ description: 'interface towards the Internet' }),
  led: Type.String({ description: "name of the status light; '' without one" }),
});
export type Board = Static<typeof BoardSchema>;

const validator = Compile(BoardSchema);

/** Throws an error that names field and reason when the text is no description of a board. */
export function parseBoard(text: string): Board {
  const value: unknown = JSON.parse(text);
  if (validator.Check(value)) return value;
  const [problem] = schemaProblems(validator.Errors(value));
  throw new Error(`${problem?.field ?? ''} ${problem?.reason ?? 'is wrong'}`);
}
