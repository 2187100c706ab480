/** A short word for a state, with a colour that says the same. */
export type BadgeKind = 'good' | 'warn' | 'bad' | 'info' | 'plain';

export function Badge({ kind, children }: { kind: BadgeKind; children: string }) {
  return <span class={kind === 'plain' ? 'badge' : `badge ${kind}`}>{children}</span>;
}
