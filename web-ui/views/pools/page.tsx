/** Address pools: how full they are, and one pool with its leases. */
import type { Pool } from '../../../firmware/settings.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { count, percent } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { Link } from '../../app/router.js';
import { DataTable } from '../../parts/data-table.js';
import { PoolPage } from './pool.js';
import { rangeText } from './ranges.js';
import { WORDS } from './words.js';

export interface PoolWithUsage extends Pool {
  size: number;
  leased: number;
}

const EVERY_MS = 5000;

/** /pools, /pools/new, /pools/edit/default */
export default function PoolsPage({ rest: [what, name] }: PageProps) {
  if (what === 'new') return <PoolPage key="new" name={undefined} />;
  if (what === 'edit' && name !== undefined) return <PoolPage key={name} name={name} />;
  return <PoolList />;
}

function PoolList() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const pools = useResource<PoolWithUsage[]>('/pools', { every_ms: EVERY_MS });
  const add = isAdmin && (
    <Link to="/pools/new" class="button primary">
      {words.add}
    </Link>
  );
  const isEmpty = pools.data?.length === 0;
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{words.title}</h1>
          <p class="quiet">{words.intro}</p>
        </div>
        {!isEmpty && add}
      </header>
      <DataTable
        label={words.title}
        resource={pools}
        rows={pools.data ?? []}
        keyOf={({ name }) => name}
        empty={
          <>
            <p>{words.none}</p>
            {add}
          </>
        }
        columns={[
          { title: words.name, cell: ({ name }) => <Link to={`/pools/edit/${encodeURIComponent(name)}`}>{name}</Link> },
          { title: words.ranges, cell: ({ ranges }) => ranges.map(rangeText).join(', ') },
          { title: words.leased, isNumber: true, cell: ({ leased }) => count(leased, language) },
          { title: words.size, isNumber: true, cell: ({ size }) => count(size, language) },
          { title: words.full, isNumber: true, cell: (pool) => <Fullness pool={pool} /> },
        ]}
      />
    </>
  );
}

export function Fullness({ pool: { size, leased } }: { pool: PoolWithUsage }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  return (
    <span class="row fullness">
      <meter min={0} max={Math.max(size, 1)} high={size * 0.9} value={leased} aria-label={words.full} />
      {percent(size === 0 ? 0 : (100 * leased) / size, language)}
    </span>
  );
}
