/** Which languages the page has, and what a set of words is. Types alone, for code that knows no browser. */

export type Language = 'en' | 'de';
/** The words of one view: in German the same names as in English, a missing one is a fault at compile time. */
export interface Words<T> {
  en: T;
  de: T;
}
