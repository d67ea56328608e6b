import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { sql } from '#lake/duckdb/sql.ts'
import { changesSql, isOldKey } from './change-rows.ts'
import { joinKeys } from './moves.ts'
import { type Attempt, sameKey } from './task.ts'

/** Keys that are folded at once. What the fold holds of a key and its records is a kilobyte or two. */
const KEYS = 20_000

/** Gives every key in `folded` its chunk, keys that rows move between the same one, and answers how many chunks there are. */
export async function cutKeys(attempt: Attempt): Promise<number> {
  const { session, folder, lake } = attempt
  await session.run(
    sql`UPDATE folded SET _s_chunk = r.chunk FROM (SELECT _s_number, (row_number() OVER (ORDER BY _s_number) - 1) // ${KEYS} AS chunk FROM folded) r WHERE r._s_number = folded._s_number`,
  )
  const moves = await movesOf(attempt)
  if (moves.length > 0) {
    const file = joinPath(folder, `chunks-${lake.ids.uuid()}.ndjson`)
    const rootOf = joinKeys(moves)
    const lines = [...new Set(moves.flat())].map(number => JSON.stringify({ number, root: rootOf(number) }))
    await writeFile(file, `${lines.join('\n')}\n`)
    await session.run(
      sql`UPDATE folded SET _s_chunk = m.chunk FROM (SELECT c.number, r._s_chunk AS chunk FROM read_json(${file}, format = 'newline_delimited', columns = {number: 'BIGINT', root: 'BIGINT'}) c JOIN folded r ON r._s_number = c.root) m WHERE m.number = folded._s_number`,
    )
  }
  const [last] = await session.rows(sql`SELECT COALESCE(max(_s_chunk) + 1, 0)::INTEGER AS chunks FROM folded`)
  return Number(last?.['chunks'] ?? 0)
}

type Move = readonly [from: number, to: number]

async function movesOf({ session, publish, changes }: Attempt): Promise<readonly Move[]> {
  const rows = await session.rows(
    sql`SELECT DISTINCT o._s_number AS "from", f._s_number AS "to" FROM (FROM (${changesSql(changes)}) WHERE _old_key IS NOT NULL) c JOIN folded f ON ${sameKey(publish.key, 'f', 'c')} JOIN folded o ON ${isOldKey(publish.key, 'o', 'c')}`,
  )
  return rows.map(row => [Number(row['from']), Number(row['to'])])
}
