/** The file of a backup as far as the page looks into it. Pure. */

export interface SealedBackup {
  format: 'tunnelwerk-backup';
  version: number;
  /** ISO 8601 */
  createdAt: string;
  hostName: string;
}

/** Whether a file is one at all; whether it can be restored here the box says. */
export function isBackup(content: unknown): content is SealedBackup {
  const { format, createdAt, hostName } = (content ?? {}) as Partial<SealedBackup>;
  return format === 'tunnelwerk-backup' && typeof createdAt === 'string' && typeof hostName === 'string';
}

/** As in tunnelwerk-branch-7-2026-11-23-0912.json; nothing in it that a file system would not take. */
export function backupName({ hostName, createdAt }: SealedBackup): string {
  const at = createdAt.slice(0, 16).replace('T', '-').replace(':', '');
  return `tunnelwerk-${hostName.replace(/[^\w.-]/g, '_')}-${at}.json`;
}
