/**
 * Figures over time as a plot, with what it shows in words for whoever does not see it. Must not know what the figures
 * are.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useLanguage, useWords } from '../app/language.js';
import type { Language } from '../app/languages.js';
import { useTheme } from '../app/theme.js';
import './chart.css';
import { extremes } from './extremes.js';

export interface ChartSeries {
  name: string;
  /** As many as there are times; null is a gap. */
  values: readonly (number | null)[];
}

interface ChartProps {
  title: string;
  /** Unix times, growing. */
  times_s: readonly number[];
  /** One or two. */
  series: readonly ChartSeries[];
  format(value: number): string;
  height_px?: number;
  /** The least that the top of the scale is, so that next to nothing is not drawn as a mountain. */
  top?: number;
  /** Minutes pass, not hours: the clock says seconds too. */
  withSeconds?: boolean;
}

const WORDS = {
  en: {
    nothing: 'nothing measured yet',
    now: 'now',
    highest: 'highest',
    summary: (name: string, now: string, low: string, high: string, at: string) =>
      `${name}: now ${now}, lowest ${low}, highest ${high} at ${at}`,
  },
  de: {
    nothing: 'noch nichts gemessen',
    now: 'jetzt',
    highest: 'höchstens',
    summary: (name: string, now: string, low: string, high: string, at: string) =>
      `${name}: jetzt ${now}, am wenigsten ${low}, am meisten ${high} um ${at}`,
  },
};

export function Chart({ title, times_s, series, format, height_px = 180, top = 1, withSeconds = false }: ChartProps) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const place = useRef<HTMLDivElement>(null);
  usePlot(place, { times_s, series, format, height_px, top, withSeconds });
  const known = series.map(({ name, values }) => ({ name, found: extremes(values) }));
  const spoken = known.map(({ name, found }) =>
    found === undefined
      ? `${name}: ${words.nothing}`
      : words.summary(
          name,
          format(found.last),
          format(found.lowest),
          format(found.highest),
          clock(times_s[found.highestAt]!, language, withSeconds),
        ),
  );
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul>
          {known.map(({ name, found }, index) => (
            <li key={name}>
              <span class={`swatch swatch-${index + 1}`} aria-hidden="true" />
              {name} <strong>{found === undefined ? '–' : format(found.last)}</strong>
              {found !== undefined && (
                <span class="quiet small">
                  {words.highest} {format(found.highest)}
                </span>
              )}
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}. ${spoken.join('; ')}`} class="plot" />
    </figure>
  );
}

type PlotProps = Required<Pick<ChartProps, 'times_s' | 'series' | 'format' | 'height_px' | 'top' | 'withSeconds'>>;

/** Keeps a uPlot in `place`: made anew when its colours or words change, else given the new figures. */
function usePlot(place: { current: HTMLDivElement | null }, props: PlotProps): void {
  const language = useLanguage();
  const theme = useTheme();
  const isDark = useDarkSystem();
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsFor(element, latest, language), dataOf(latest.current), element);
    plot.current = made;
    const watch = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: latest.current.height_px });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [place, language, theme, isDark, props.series.length]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [props.times_s, props.series]);
}

const dataOf = ({ times_s, series }: PlotProps): uPlot.AlignedData =>
  [times_s, ...series.map(({ values }) => values)] as unknown as uPlot.AlignedData;

function optionsFor(element: HTMLElement, latest: { current: PlotProps }, language: Language): uPlot.Options {
  const figure = element.closest('figure')!;
  const colours = [...figure.querySelectorAll('.swatch')].map((swatch) => getComputedStyle(swatch).color);
  const { color: ink, fontFamily } = getComputedStyle(element);
  const { borderTopColor: line } = getComputedStyle(figure);
  const axis = { stroke: ink, font: `12px ${fontFamily}`, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: latest.current.height_px,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, first, last) => [Math.min(first, last - (latest.current.withSeconds ? 60 : 3600)), last] },
      y: { range: (_, __, highest) => [0, Math.max(latest.current.top, (highest ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        values: (_, ticks) => ticks.map((tick) => clock(tick, language, latest.current.withSeconds)),
        space: 80,
        size: 28,
      },
      { ...axis, values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)), size: 84, space: 36 },
    ],
    series: [
      {},
      // The second line is dashed: colour is not its only mark.
      ...colours.map((stroke, index) => ({
        stroke,
        width: 2,
        points: { show: false },
        ...(index === 0 ? {} : { dash: [6, 4] }),
      })),
    ],
  };
}

const clock = (time_s: number, language: Language, withSeconds: boolean): string =>
  new Date(time_s * 1000).toLocaleTimeString(language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(withSeconds ? { second: '2-digit' } : {}),
  });

function useDarkSystem(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setDark(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  return isDark;
}
