/** Draws a component anew when something outside of it has changed. */
import { useEffect, useState } from 'preact/hooks';

export function useSyncExternalStore<T>(listeners: Set<() => void>, read: () => T): T {
  const [value, setValue] = useState(read);
  useEffect(() => {
    const changed = () => setValue(() => read());
    listeners.add(changed);
    changed();
    return () => void listeners.delete(changed);
  }, [listeners, read]);
  return value;
}
