// Evolution `add`: a field that the contract does not know becomes a nullable column of a fitting type, later batches fill it, and
// what does not fit the column any more goes to `_rescued`, never to quarantine. The other policies leave the table alone.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { LAKES, landBatch, lines, tableRows } from './batches.ts'

const dataset = (spec: Partial<DatasetSpec<string>> = {}) =>
  defineDataset({
    name: 'events',
    source: { system: 's', format: 'ndjson', match: '*' },
    columns: { id: 'long' },
    evolution: 'add',
    ...spec,
  })

let landed = 0

async function apply(lake: Lake, events: ReturnType<typeof dataset>, ...objects: readonly string[]) {
  const id = `b${++landed}`
  await landBatch(lake, events, { id, objects: objects.map(bytes => ({ order: ++landed, bytes })) })
  const report = await quality(lake, events, { batch: id })
  await publish(lake, events, { batch: id })
  return report
}

async function columns(lake: Lake): Promise<Readonly<Record<string, unknown>>> {
  const { metadata } = await openTable(lake, 'events')
  return Object.fromEntries(currentSchema(metadata).fields.map(field => [field.name, field.type]))
}

const LINEAGE = { _rescued: 'string', _raw_object: 'string', _raw_row: 'long', _ingested_at: 'timestamptz' }

describe.each(LAKES)('%s', (_name, use) => {
  test('new columns of fitting types, filled at once and by later batches', () =>
    use(async lake => {
      const events = dataset()
      await apply(lake, events, lines({ id: 1 }))
      expect(await columns(lake)).toEqual({ id: 'long', ...LINEAGE })
      await apply(
        lake,
        events,
        lines({ id: 2, n: 7, d: 1, t: 'x', b: true, o: { k: [1] }, nothing: null }, { id: 3, d: 1.5, mixed: 1 }),
        lines({ id: 4, mixed: 'two', n: null }),
        lines({ id: 5 }),
      )
      const grown = {
        id: 'long',
        ...LINEAGE,
        n: 'long',
        d: 'double',
        t: 'string',
        b: 'boolean',
        o: 'string',
        mixed: 'string',
      }
      expect(await columns(lake)).toEqual(grown)
      await apply(lake, events, lines({ id: 6, n: 8, d: 2, t: 'y', mixed: 'z', b: false }))
      expect(await columns(lake)).toEqual(grown)
      expect(await tableRows(lake, 'events', sql`id, n, d, t, b, o, mixed, _rescued`)).toEqual([
        { id: '1', n: null, d: null, t: null, b: null, o: null, mixed: null, _rescued: null },
        { id: '2', n: '7', d: 1, t: 'x', b: true, o: '{"k":[1]}', mixed: null, _rescued: '{"nothing":null}' },
        { id: '3', n: null, d: 1.5, t: null, b: null, o: null, mixed: '1', _rescued: null },
        { id: '4', n: null, d: null, t: null, b: null, o: null, mixed: 'two', _rescued: null },
        { id: '5', n: null, d: null, t: null, b: null, o: null, mixed: null, _rescued: null },
        { id: '6', n: '8', d: 2, t: 'y', b: false, o: null, mixed: 'z', _rescued: null },
      ])
    }))

  test('what does not fit an added column is rescued', () =>
    use(async lake => {
      const events = dataset()
      await apply(lake, events, lines({ id: 1, n: 7 }))
      const report = await apply(
        lake,
        events,
        lines({ id: 2, n: 'eight', other: 1 }, { id: 3, n: { k: 1.1 } }, { id: 4, n: 1.5 }, { id: 5, n: 9 }),
      )
      expect(report.quarantined).toBe(0)
      expect(await columns(lake)).toEqual({ id: 'long', ...LINEAGE, n: 'long', other: 'long' })
      expect(await tableRows(lake, 'events', sql`id, n, other, _rescued`)).toEqual([
        { id: '1', n: '7', other: null, _rescued: null },
        { id: '2', n: null, other: '1', _rescued: '{"n":"eight"}' },
        { id: '3', n: null, other: null, _rescued: '{"n":{"k":1.1}}' },
        { id: '4', n: null, other: null, _rescued: '{"n":"1.5"}' },
        { id: '5', n: '9', other: null, _rescued: null },
      ])
    }))

  test('names that cannot be columns, or differ only in case, stay in _rescued', () =>
    use(async lake => {
      const events = dataset()
      await apply(lake, events, lines({ id: 1, '': 1, ' ': 2, _pos: 3, ID2: 4, id2: 5, 'a.b': 6, 'x"y': 7 }))
      expect(await columns(lake)).toEqual({ id: 'long', ...LINEAGE, ID2: 'long', 'a.b': 'long', 'x"y': 'long' })
      expect(await tableRows(lake, 'events', sql`id, "ID2", "a.b", "x""y", _rescued`)).toEqual([
        { id: '1', ID2: '4', 'a.b': '6', 'x"y': '7', _rescued: '{"":1," ":2,"_pos":3,"id2":5}' },
      ])
    }))

  test('two batches at once add the same column with different types: one wins, the other rescues', () =>
    use(async lake => {
      const events = dataset()
      for (const [id, n] of [
        ['x', 1],
        ['y', 'one'],
      ] as const)
        await landBatch(lake, events, { id, objects: [{ order: ++landed, bytes: lines({ id: landed, n }) }] })
      await Promise.all(['x', 'y'].map(batch => quality(lake, events, { batch })))
      await Promise.all(['x', 'y'].map(batch => publish(lake, events, { batch })))
      const rows = await tableRows(lake, 'events', sql`COALESCE(CAST(n AS VARCHAR), _rescued) AS n`)
      expect(rows.length).toBe(2)
      expect(rows.every(row => row['n'] !== null)).toBe(true)
    }))

  test('a large clean object beside one that adds a column', () =>
    use(async lake => {
      const text = (id: number) => createHash('sha512').update(String(id)).digest('hex')
      const large = lines(...Array.from({ length: 60_000 }, (_, id) => ({ id, text: text(id) })))
      const events = dataset({ columns: { id: 'long', text: 'string' } })
      const report = await apply(lake, events, large, lines({ id: -1, n: 7 }))
      expect(report.read).toBe(60_001)
      expect(
        await tableRows(
          lake,
          'events',
          sql`count(*)::INTEGER AS rows, sum(n)::INTEGER AS n, 1 AS _raw_object, 1 AS _raw_row`,
        ),
      ).toMatchObject([{ rows: 60_001, n: 7 }])
    }))

  test('a column that is declared later keeps what evolution gave it', () =>
    use(async lake => {
      await apply(lake, dataset(), lines({ id: 1, n: 7 }))
      await apply(
        lake,
        dataset({ columns: { id: 'long', n: { type: 'long', required: true } } }),
        lines({ id: 2, n: 8 }, { id: 3 }),
      )
      expect(await tableRows(lake, 'events', sql`id, n`)).toEqual([
        { id: '1', n: '7' },
        { id: '2', n: '8' },
      ])
    }))

  test('discard and freeze leave the table as it is declared', () =>
    use(async lake => {
      await apply(lake, dataset({ evolution: 'discard' }), lines({ id: 1, n: 7 }))
      expect(await columns(lake)).toEqual({ id: 'long', ...LINEAGE })
      const report = await apply(lake, dataset({ evolution: 'freeze' }), lines({ id: 2, n: 7 }, { id: 3 }))
      expect(report).toMatchObject({ read: 2, quarantined: 1 })
    }))
})

test('ping-pong of two shapes ends in one schema', () =>
  (LAKES[0] as (typeof LAKES)[number])[1](async lake => {
    const events = dataset()
    for (let round = 0; round < 10; round++)
      await apply(lake, events, lines(round % 2 ? { id: 1, n: 1 } : { id: 1, m: 'x' }))
    const { metadata } = await openTable(lake, 'events')
    expect(metadata.schemas.length).toBeLessThanOrEqual(3)
  }))
