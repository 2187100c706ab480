/** Why a call failed, in plain words. Must not know the browser. */
import type { Failure } from '../../api/shapes.js';
import type { Language } from '../../app/languages.js';

type Parameters = Failure['parameters'];

/** By code; the English is the box's own. */
const GERMAN: Readonly<Record<string, (parameters: Parameters) => string>> = {};

/** A code of a newer box is told in the box's own words. */
export function failureText({ code, parameters, text }: Failure, language: Language): string {
  return language === 'de' ? (GERMAN[code]?.(parameters) ?? text) : text;
}
