/**
 * FreeRADIUS in a namespace, with a folder of its own: one client, users of a list, PAP, CHAP and MS-CHAPv2.
 * Knows nothing of who asks it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { KEEP_ADDRESS, poolModules, type RadiusPool, TAKE_ADDRESS } from './radius-pool.js';

export interface RadiusUser {
  name: string;
  password: string;
  /** Attributes of its Access-Accept, each as in a users file. */
  reply?: readonly string[];
}

export interface RadiusOptions {
  namespace: Namespace;
  address: string;
  /** Who may ask: a prefix. */
  clients: string;
  secret: string;
  users: readonly RadiusUser[];
  /** Of its folder in the lab's, where there are several servers. */
  name?: string;
  /** Where it is to give users addresses of its own. */
  pool?: RadiusPool;
}

const READY_TIMEOUT_MS = 20_000;

export async function startFreeRadius(lab: Lab, options: RadiusOptions): Promise<Daemon> {
  const folder = join(lab.folder, options.name ?? 'freeradius');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'radiusd.conf'), configuration(folder, options));
  writeFileSync(join(folder, 'users'), options.users.map(userEntry).join('\n'));
  const daemon = options.namespace.start('freeradius', ['freeradius', '-f', '-l', 'stdout', '-d', folder]);
  await daemon.waitForLine(/Ready to process requests/, { timeout_ms: READY_TIMEOUT_MS });
  return daemon;
}

function userEntry(user: RadiusUser): string {
  const reply = (user.reply ?? []).map((attribute) => `  ${attribute}`).join(',\n');
  return `"${user.name}" Cleartext-Password := "${user.password}"
${reply}
`;
}

/** Debian's own folder is not used: it starts modules and servers that nobody here needs, and writes under /var. */
function configuration(folder: string, options: RadiusOptions): string {
  return `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${folder}
logdir = ${folder}
pidfile = ${folder}/pid
proxy_requests = no
max_request_time = 30
cleanup_delay = 5
max_requests = 16384
log {
  destination = stdout
  auth = yes
}
security {
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
  max_requests_per_server = 0
}
client lab {
  ipaddr = ${options.clients}
  secret = ${options.secret}
}
modules {
  pap {
  }
  chap {
  }
  mschap {
  }
  files {
    usersfile = ${folder}/users
  }
  detail {
    filename = ${folder}/accounting
  }${options.pool === undefined ? '' : poolModules(folder, options.pool)}
}
server default {
  listen {
    type = auth
    ipaddr = ${options.address}
    port = 1812
  }
  listen {
    type = acct
    ipaddr = ${options.address}
    port = 1813
  }
  authorize {
    files
    chap
    mschap
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type MS-CHAP {
      mschap
    }
  }
  post-auth {${options.pool === undefined ? '' : TAKE_ADDRESS}
    update reply {
      Message-Authenticator := 0x00
    }
    Post-Auth-Type REJECT {
      update reply {
        Message-Authenticator := 0x00
      }
    }
  }
  accounting {${options.pool === undefined ? '' : KEEP_ADDRESS}
    detail
  }
}
`;
}
