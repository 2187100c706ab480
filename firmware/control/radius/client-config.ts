/** What the settings say of RADIUS as the configuration of a client. Pure. */
import type { RadiusClientConfig } from '../../protocol/radius/client-types.js';
import type { RadiusSettings } from '../../settings.js';
import { octets } from '../../wire/bytes.js';

/** MRT of RFC 5080 section 2.2.1. */
const MAX_RETRANSMISSION_MS = 16_000;

/** Of the servers for one service; undefined where there is none. */
export function radiusClientConfig(
  settings: RadiusSettings,
  service: 'authentication' | 'accounting',
): RadiusClientConfig | undefined {
  const servers = settings[service];
  if (servers.length === 0) return undefined;
  return {
    service,
    servers: servers.map(({ address, port, secret, requireMessageAuthenticator, statusServer }) => ({
      address,
      port,
      secret: octets(secret ?? ''),
      requiresMessageAuthenticator: requireMessageAuthenticator,
      answersStatusServer: statusServer,
    })),
    sourcePorts: settings.sourcePorts,
    initialRetransmission_ms: settings.initialRetransmission_ms,
    maxRetransmission_ms: MAX_RETRANSMISSION_MS,
    // MRC 0 of RFC 5080: the time alone ends a request.
    maxTransmissions: Number.POSITIVE_INFINITY,
    maxDuration_ms: 1000 * settings.timeout_s,
    transmissionsPerServer: settings.transmissionsPerServer,
    deadTime_ms: 1000 * settings.deadTime_s,
  };
}
