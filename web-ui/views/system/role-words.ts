/** What the roles of accounts and tokens are called. */
export const ROLE_WORDS = {
  en: { admin: 'Administrator', viewer: 'Viewer' },
  de: { admin: 'Verwalter', viewer: 'Betrachter' },
};
