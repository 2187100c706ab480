/** Who has, or had last, which address of a pool. */
import { type Static, Type } from 'typebox';
import { canonicalAddress, ipv4FromNumber, ipv4Number, type Pool } from '../settings.js';
import type { Api, ApiContext } from './context.js';
import { notFound } from './problem.js';

const PoolNameSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 253 }) });
const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  after: Type.Optional(
    Type.Refine(
      Type.String({ description: 'the last address of the page before' }),
      (text) => canonicalAddress(text)?.includes('.') === true,
      () => 'is no IPv4 address; give the last one of the page before',
    ),
  ),
});
const LeaseSchema = Type.Object({
  address: Type.String(),
  user: Type.String({ description: 'who has it, whose own it is, or who had it last; empty: nobody' }),
  state: Type.Enum(['leased', 'reserved', 'last-had', 'excluded'], {
    description: 'reserved: the fixed address of a user. last-had: free. Free addresses that nobody had are left out',
  }),
  sessionId: Type.Integer({ description: 'of the call that has it; 0: none' }),
});

export type Lease = Static<typeof LeaseSchema>;

export function leasesResource(app: Api, { store, view }: ApiContext): void {
  app.get(
    '/api/v1/pools/:name/leases',
    {
      schema: {
        summary: 'Who has which address of a pool',
        tags: ['calls'],
        params: PoolNameSchema,
        querystring: PageSchema,
        response: { 200: Type.Array(LeaseSchema) },
      },
    },
    ({ params: { name }, query: { limit, after } }) => {
      const pool = store.documents.pool(name);
      if (pool === undefined) throw notFound(`pool ${name}`);
      const last = after === undefined ? -1 : ipv4Number(after);
      const used: Lease[] = store.leases.page(name, last, limit).map(({ callId, ...lease }) => ({
        ...lease,
        sessionId: callId === 0 ? 0 : view.sessionIdOf(callId),
      }));
      const all = [...used, ...excludedAfter(pool, last, limit)];
      return all.sort((one, other) => ipv4Number(one.address) - ipv4Number(other.address)).slice(0, limit);
    },
  );
}

function excludedAfter({ excluded }: Pool, last: number, limit: number): Lease[] {
  const numbers = excluded.map(ipv4Number).filter((address) => address > last);
  return numbers
    .sort((one, other) => one - other)
    .slice(0, limit)
    .map((address) => ({ address: ipv4FromNumber(address), user: '', state: 'excluded', sessionId: 0 }));
}
