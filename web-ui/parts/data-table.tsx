/** A table of what the box says, with its states: not read yet, not to be had, nothing there, rows. */
import type { ComponentChildren } from 'preact';
import type { Resource } from '../api/resource.js';
import { useWords } from '../app/language.js';
import { ErrorNotice } from './notice.js';

export interface Column<T> {
  title: string;
  isNumber?: boolean;
  cell(row: T): ComponentChildren;
}

interface DataTableProps<T> {
  /** Says what the table has, to whoever reads by ear. */
  label: string;
  resource: Pick<Resource<unknown>, 'error' | 'data'>;
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf(row: T): string | number;
  /** What to do so that there is something. */
  empty: ComponentChildren;
}

const WORDS = { en: { loading: 'Loading …' }, de: { loading: 'Lädt …' } };

export function DataTable<T>({ label, resource, rows, columns, keyOf, empty }: DataTableProps<T>) {
  const words = useWords(WORDS);
  if (resource.data === undefined && resource.error) return <ErrorNotice error={resource.error} />;
  if (resource.data === undefined) return <p class="quiet">{words.loading}</p>;
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than its place is scrolled by keys too
    <section class="table-scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, isNumber, cell }) => (
                <td key={title} class={isNumber ? 'number' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
