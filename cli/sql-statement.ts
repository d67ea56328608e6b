import type { Session } from '#lake/duckdb/engine.ts'
import { readSelect } from '#lake/duckdb/select.ts'
import type { Sql } from '#lake/duckdb/sql.ts'
import { pointAt } from '#lake/point-at.ts'
import { usage } from './refusal.ts'

/** A single SELECT that a person wrote, and the tables that it names. */
export interface SelectStatement {
  readonly statement: Sql
  /** Names of tables as the parser sees them, in lower case, each once; those of WITH clauses are not among them. */
  readonly tables: readonly string[]
}

/** Reads the text with DuckDB's own parser: what is no single SELECT is a usage error. It runs in an engine that may read the tables' files and nothing else. */
export async function readStatement(session: Session, text: string): Promise<SelectStatement> {
  const read = await readSelect(session, text)
  switch (read.kind) {
    case 'syntax':
      throw usage(`${read.message}\n${pointAt(text, read.at)}`, 'correct the statement')
    case 'not-select':
      throw usage(
        'only a SELECT or WITH … SELECT can be run: sluice sql reads tables and never changes them',
        'tables change when files land: sluice put FILE --dataset NAME',
      )
    case 'not-one':
      throw usage(
        read.statements === 0
          ? 'there is no statement to run'
          : `${read.statements} statements were given, and only one can be run`,
        'give one SELECT: sluice sql "select count(*) from flights"',
      )
    case 'select': {
      // SHOW TABLES and its like, which the engine would answer from the views that were made for it: none.
      if (read.names.shows === 'catalog')
        throw usage('SHOW cannot tell what is in the lake', '`sluice tables` lists the tables')
      // Another schema is one of the engine's own, such as information_schema.
      const own = read.names.tables.filter(({ schema }) => schema === '' || schema === 'main')
      return { statement: read.statement, tables: [...new Set(own.map(({ name }) => name))] }
    }
  }
}
