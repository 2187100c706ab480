/** What the box could not do of what is now set, and what to do about it. */
import { Notice } from './notice.js';

interface OperatingProblemsProps {
  /** Says in words that there are some. */
  title: string;
  problems: readonly { what: string; advice: string }[];
}

/** Nothing where there are none. */
export function OperatingProblems({ title, problems }: OperatingProblemsProps) {
  if (problems.length === 0) return null;
  return (
    <Notice kind="warn">
      <strong>{title}</strong>
      <ul>
        {problems.map(({ what, advice }) => (
          <li key={what}>
            {what}; {advice}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
