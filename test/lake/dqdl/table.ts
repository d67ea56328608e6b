import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ruleset } from '#lake/dqdl/ast.ts'
import type { CheckContext } from '#lake/dqdl/check.ts'
import { type Evaluation, evaluate } from '#lake/dqdl/evaluate.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { ident, type Sql, sql } from '#lake/duckdb/sql.ts'

/** Noon, so that no day begins or ends nearby. */
export const NOW_MS = Date.UTC(2024, 5, 15, 12)

export interface Tables {
  readonly session: Session
  /** Makes a table of a SELECT, under a name of its own. */
  readonly table: (select: Sql) => Promise<Relation>
  readonly close: () => Promise<void>
}

export async function openTables(): Promise<Tables> {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-dqdl-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 500_000_000, folders: [], scratch })
  let tables = 0
  return {
    session,
    table: async select => {
      const name = ident(`table ${++tables}`)
      await session.run(sql`CREATE TABLE ${name} AS ${select}`)
      const described = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${name})`)
      const columns = described.map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
      return { source: name, columns }
    },
    close: async () => {
      await session.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

export function rulesetOf(text: string): Ruleset {
  const { ruleset, diagnostics } = parseRuleset(text, { mode: 'aws' })
  if (!ruleset) throw new Error(diagnostics.map(each => each.message).join('\n'))
  return ruleset
}

export const contextOf = (relation: Relation, more: Partial<CheckContext> = {}): CheckContext => ({
  relation,
  sources: new Map(),
  files: [],
  history: () => [],
  nowMs: NOW_MS,
  thresholds: 'glue',
  ...more,
})

export function evaluateRules(session: Session, rules: readonly string[], context: CheckContext): Promise<Evaluation> {
  return evaluate(session, rulesetOf(`Rules = [ ${rules.join(', ')} ]`), context)
}
