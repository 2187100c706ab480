/** Who administers the box: accounts, one's own password, and tokens for programs. */
import { Accounts } from './accounts.js';
import { OwnPassword } from './own-password.js';
import { Tokens } from './tokens.js';

export function Access() {
  return (
    <>
      <OwnPassword />
      <Accounts />
      <Tokens />
    </>
  );
}
