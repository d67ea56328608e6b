/** How much a manifest says of a column (Iceberg, "Configuration", `write.metadata.metrics.default`). */
export type MetricsMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'counts' }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'full' }

export interface MetricsConfig {
  readonly default: MetricsMode
  /** Leaf columns that get the default: without a limit wide tables would fill their manifests with bounds nobody asks for. */
  readonly columnsMax: number
  /** By the full name of a column, its names joined with dots. */
  readonly columns: ReadonlyMap<string, MetricsMode>
}

const DEFAULT_MODE: MetricsMode = { kind: 'truncate', length: 16 }
const COLUMNS_MAX = 100
const COLUMN_PREFIX = 'write.metadata.metrics.column.'

/** The settings that a table's properties make, with Iceberg's defaults. A mode that cannot be read counts as the default, as in Java. */
export function metricsConfig(properties: Readonly<Record<string, string>>): MetricsConfig {
  const wanted = properties['write.metadata.metrics.default']
  const inferred = Number(properties['write.metadata.metrics.max-inferred-column-defaults'] ?? COLUMNS_MAX)
  const columns = Object.entries(properties).filter(([key]) => key.startsWith(COLUMN_PREFIX))
  return {
    default: wanted === undefined ? DEFAULT_MODE : modeOf(wanted),
    // A default that somebody asked for is meant for all columns.
    columnsMax: wanted !== undefined ? Number.POSITIVE_INFINITY : inferred >= 0 ? inferred : COLUMNS_MAX,
    columns: new Map(columns.map(([key, value]) => [key.slice(COLUMN_PREFIX.length), modeOf(value)])),
  }
}

/** `index` counts the leaf columns of the schema from 0. */
export function metricsMode(
  config: MetricsConfig,
  column: { readonly path: readonly string[]; readonly index: number },
): MetricsMode {
  const own = config.columns.get(column.path.join('.'))
  return own ?? (column.index < config.columnsMax ? config.default : { kind: 'none' })
}

function modeOf(text: string): MetricsMode {
  const mode = text.trim().toLowerCase()
  if (mode === 'none' || mode === 'counts' || mode === 'full') return { kind: mode }
  const length = Number(/^truncate\((\d+)\)$/.exec(mode)?.[1] ?? 0)
  return length > 0 ? { kind: 'truncate', length } : DEFAULT_MODE
}
