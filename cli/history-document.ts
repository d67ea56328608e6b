import type { ObjectOutcome } from '#lake/batch.ts'
import { quarantineTableName } from '#lake/dataset.ts'
import type { Lake } from '#lake/lake.ts'
import { landingKey } from './landing-key.ts'
import type { ObjectHistory, VersionHistory } from './object-history.ts'
import type { HoldingBatch, Refined, Settled } from './refined-object.ts'
import { isoTime } from './units.ts'

/** A history as `--json` prints it: times are ISO 8601, 64-bit ids are decimal text. */
export function historyDocument(lake: Lake, { uri, versions }: ObjectHistory): Readonly<Record<string, unknown>> {
  return { key: landingKey(lake, uri), uri, versions: versions.map(versionDocument) }
}

function versionDocument({ version, landedMs, dataset, rawObject, fate }: VersionHistory): unknown {
  const common = { version, landed: isoTime(landedMs), dataset: dataset ?? null, rawObject: rawObject ?? null }
  switch (fate.kind) {
    case 'waiting':
    case 'ignored':
    case 'rejected': {
      const { kind, ...why } = fate
      return { ...common, state: kind, ...why }
    }
    case 'duplicate': {
      const first = fate.first === undefined ? null : refinedDocument(fate.first)
      return { ...common, state: 'duplicate', rawUri: fate.rawUri, of: fate.of, first }
    }
    case 'batched':
      return { ...common, rawUri: fate.rawUri, bytes: fate.bytes ?? null, ...refinedDocument(fate.refined) }
  }
}

function refinedDocument(refined: Refined): Readonly<Record<string, unknown>> {
  const { kind: state, batch } = refined
  const batches = refined.batches.length === 0 ? {} : { batches: refined.batches.map(holdingDocument) }
  if (refined.kind === 'landed') return { state, batch, ...batches }
  const { rawObject: _, ...rows } = refined.outcome ?? { rawObject: '' }
  // Nothing was published, whatever the verdict said of the records.
  if (refined.kind === 'halted')
    return {
      state,
      batch,
      ...batches,
      rows: withheld(refined.outcome, refined.kind),
      verdict: rows,
      reason: refined.reason,
    }
  if (refined.kind === 'staged')
    return { state, batch, ...batches, rows: withheld(refined.outcome, refined.kind), verdict: rows }
  return {
    ...{ state, batch, ...batches, rows },
    committed: isoTime(refined.committedMs),
    ...(refined.since.length === 0 ? {} : { since: refined.since.map(settledDocument) }),
    ...(refined.changes === undefined ? {} : { changes: refined.changes }),
    table: refined.table,
    snapshot: refined.snapshot,
    quarantine:
      refined.quarantineSnapshot === undefined
        ? null
        : { table: quarantineTableName({ name: refined.table }), snapshot: refined.quarantineSnapshot },
  }
}

const withheld = (verdict: ObjectOutcome | undefined, state: 'halted' | 'staged'): unknown => {
  const read = verdict?.read ?? 0
  return { read, applied: 0, quarantined: 0, superseded: 0, [state]: read, reasons: {} }
}

function holdingDocument({ batch, replay, into, state, committedMs }: HoldingBatch): unknown {
  const committed = committedMs === undefined ? null : isoTime(committedMs)
  return { batch, replay: replay ?? null, into: into ?? null, state, committed }
}

function settledDocument({ action, release, reason, committedMs, taken, outcome }: Settled): unknown {
  const { rawObject: _, ...rows } = outcome
  return { action, batch: release, reason: reason ?? null, committed: isoTime(committedMs), taken, rows }
}
