/** Figures, times and lengths of time as people read them, in the language that is chosen. Pure but for that. */
import type { Language } from './languages.js';

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** 1 234 567 as in 1.23 M; three digits count. */
function scaled(value: number, unit: string, language: Language): string {
  let rest = Math.abs(value);
  let at = 0;
  while (rest >= 999.5 && at < UNITS.length - 1) {
    rest /= 1000;
    at += 1;
  }
  const digits = at === 0 ? 0 : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
  return `${withDigits(digits, language).format(value < 0 ? -rest : rest)} ${UNITS[at]}${unit}`;
}

const formats = new Map<string, Intl.NumberFormat>();

/** Made once: to make one takes longer than to write a hundred numbers with it. */
function withDigits(digits: number, language: Language): Intl.NumberFormat {
  const key = `${language} ${digits}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(key, made);
  return made;
}

export const octets = (value: number, language: Language): string => scaled(value, 'B', language);
export const rate = (value_bps: number, language: Language): string => scaled(value_bps, 'bit/s', language);
export const count = (value: number, language: Language): string => value.toLocaleString(language);
export const percent = (value: number, language: Language): string =>
  `${value.toLocaleString(language, { maximumFractionDigits: value < 10 ? 1 : 0 })} %`;

/** ISO 8601 to the reader's own clock; '' stays ''. */
export function time(iso: string, language: Language): string {
  if (iso === '') return '';
  return new Date(iso).toLocaleString(language, { dateStyle: 'short', timeStyle: 'medium' });
}

/** As in 3 d 4 h, 12 min 5 s. */
export function duration(length_s: number): string {
  const seconds = Math.max(0, Math.floor(length_s));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** How long ago that was. */
export const since = (iso: string, now_ms = Date.now()): string =>
  iso === '' ? '' : duration((now_ms - Date.parse(iso)) / 1000);
