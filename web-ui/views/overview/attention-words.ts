/** What needs attention, in German; the English is the box's own. Must not know the browser. */
import type { Attention } from '../../api/shapes.js';
import type { Language } from '../../app/languages.js';

type Parameters = Attention['parameters'];

const GERMAN: Readonly<Record<string, (parameters: Parameters) => string>> = {};

/** The box's own words where there are none of ours. */
export function attentionText({ code, parameters, text }: Attention, language: Language): string {
  return language === 'de' ? (GERMAN[code]?.(parameters) ?? text) : text;
}
