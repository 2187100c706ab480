/** Names and values, one pair a line; a pair without a value is left out. */
import type { ComponentChildren } from 'preact';

export function Pairs({ pairs }: { pairs: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  const said = pairs.filter(([, value]) => value !== '' && value !== undefined && value !== false);
  return (
    <dl class="pairs">
      {said.map(([name, value]) => (
        <div key={name} class="pair">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
