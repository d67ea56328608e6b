import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BLOB,
  type DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBScalarFunction,
  type DuckDBUBigIntVector,
  type DuckDBUTinyIntVector,
  INTEGER,
  UBIGINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api'
import { LakeError } from '../errors.ts'
import { murmur3 } from '../iceberg/murmur3.ts'
import { minimalBytes } from '../iceberg/value.ts'
import type { Engine } from '../lake.ts'
import { type Reading, readingOf } from './reading.ts'
import type { Sql } from './sql.ts'

export interface SessionOptions {
  readonly threads: number
  readonly memoryBytes: number
  /** The only folders that SQL may read or write, besides the session's own spill folder. */
  readonly folders: readonly string[]
  /** Single files outside of them, by their real paths: a link to one may stand in a folder. */
  readonly files?: readonly string[]
  /** Where it may spill; a fresh folder below it is made and removed with the session. */
  readonly scratch: string
}

export type Cell = string | number | boolean | null | readonly Cell[] | { readonly [key: string]: Cell }
export type Row = Readonly<Record<string, Cell>>

export interface Session {
  /** Runs a statement for its effect. */
  run(statement: Sql): Promise<void>
  /** All rows as JSON values: 64-bit integers, decimals, dates and timestamps are strings, so nothing is rounded. For small results only. */
  rows(statement: Sql): Promise<readonly Row[]>
  /** Rows as they are computed, chunk by chunk: for results of any size. One at a time in a session. */
  read(statement: Sql): Promise<Reading>
  /**
   * Count and sum of what `sluice_tally(hash)` was given since this was last asked, in all connections: a checksum of rows on their
   * way into a COPY, without reading them twice. The function gives 1; it runs once for every row of the projection that it stands in.
   */
  takeTally(): Tally
  /** Another connection of the same database, so that two statements run side by side. */
  connect(): Promise<Session>
  close(): Promise<void>
}

export interface Tally {
  readonly rows: bigint
  readonly sum: bigint
}

/** DuckDB with `memory_limit`, threads, spill folder and allowed folders fixed before any foreign byte is read, then locked. */
export const duckdbEngine: Engine = {
  async open(options) {
    const spill = join(options.scratch, `spill-${process.pid}-${nextSpill()}`)
    await mkdir(spill, { recursive: true })
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      memory_limit: `${Math.floor(options.memoryBytes / 1_000_000)}MB`,
      temp_directory: spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    const tally = newTally()
    await prepare(connection, tally)
    const folders = [...options.folders, spill].map(folder => `'${folder.replaceAll("'", "''")}/'`)
    const files = (options.files ?? []).map(file => `'${file.replaceAll("'", "''")}'`)
    await connection.run(`SET allowed_directories = [${folders.join(', ')}]`)
    await connection.run(`SET allowed_paths = [${files.join(', ')}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    return session(connection, {
      instance,
      tally,
      dispose: async () => {
        instance.closeSync()
        await rm(spill, { recursive: true, force: true })
      },
    })
  },
}

let spills = 0
const nextSpill = (): number => ++spills

async function prepare(connection: DuckDBConnection, tally: RunningTally): Promise<void> {
  await connection.run("SET GLOBAL TimeZone = 'UTC'")
  await connection.run('SET GLOBAL preserve_insertion_order = false')
  // Files are on local disk, where the system's own cache holds them once: a second copy is a hundred megabytes and five per cent of a scan.
  await connection.run('SET GLOBAL enable_external_file_cache = false')
  for (const hash of icebergHashes()) connection.registerScalarFunction(hash)
  connection.registerScalarFunction(tallyFunction(tally))
}

interface Database {
  readonly instance: DuckDBInstance
  readonly tally: RunningTally
  readonly dispose: () => Promise<void>
}

function session(connection: DuckDBConnection, database: Database): Session {
  const { instance, tally, dispose } = database
  return {
    run: async statement => {
      await translated(statement, () => connection.run(statement.text))
    },
    rows: async statement =>
      translated(statement, async () => {
        const result = await connection.runAndReadAll(statement.text)
        const names = result.deduplicatedColumnNames()
        // fromEntries defines each column as it is named: assigning one called "__proto__" would lose it.
        return result.getRowsJson().map(row => Object.fromEntries(row.map((cell, at) => [names[at], cell])) as Row)
      }),
    read: async statement => {
      const fetching = <T>(work: () => Promise<T>): Promise<T> => translated(statement, work)
      return readingOf(await fetching(() => connection.stream(statement.text)), fetching)
    },
    takeTally: () => tally.take(),
    connect: async () => session(await instance.connect(), { ...database, dispose: async () => undefined }),
    close: async () => {
      connection.closeSync()
      await dispose()
    },
  }
}

async function translated<T>(statement: Sql, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const kind = /^Out of Memory Error/.test(message) ? 'out-of-memory' : 'engine-failed'
    throw new LakeError(kind, message, { statement: statement.text.slice(0, 2_000) }, { cause })
  }
}

/**
 * Iceberg's 32-bit Murmur3 for the bucket transform (spec, appendix B): of UTF-8 text, of bytes, and of the unscaled value of a
 * decimal given as digits. Apply them to distinct values: they run in JavaScript.
 */
function icebergHashes(): readonly DuckDBScalarFunction[] {
  return [
    hashFunction('iceberg_hash_text', VARCHAR, text => Buffer.from(text as string, 'utf8')),
    hashFunction('iceberg_hash_bytes', BLOB, blob => Buffer.from((blob as DuckDBBlobValue).bytes)),
    hashFunction('iceberg_hash_decimal', VARCHAR, digits => minimalBytes(BigInt(digits as string))),
  ]
}

function hashFunction(
  name: string,
  parameter: typeof VARCHAR | typeof BLOB,
  bytesOf: (value: unknown) => Buffer,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType: INTEGER,
    parameterTypes: [parameter],
    mainFunction: (_info, input, output) => {
      const values = input.getColumnVector(0)
      for (let row = 0; row < input.rowCount; row++) {
        const value = values.getItem(row)
        output.setItem(row, value === null ? null : murmur3(bytesOf(value)))
      }
      output.flush()
    },
  })
}

// --- The tally -----------------------------------------------------------------------------------------------------

interface RunningTally {
  add(rows: number, sum: bigint): void
  take(): Tally
}

function newTally(): RunningTally {
  let tally: Tally = { rows: 0n, sum: 0n }
  return {
    add: (rows, sum) => {
      tally = { rows: tally.rows + BigInt(rows), sum: tally.sum + sum }
    },
    take: () => {
      const taken = tally
      tally = { rows: 0n, sum: 0n }
      return taken
    },
  }
}

/** Volatile, so that DuckDB neither folds it nor moves it below a join, where it would see rows that the join leaves out. */
function tallyFunction(tally: RunningTally): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: 'sluice_tally',
    returnType: UTINYINT,
    parameterTypes: [UBIGINT],
    volatile: true,
    mainFunction: (_info, input, output) => {
      // The arrays behind the vectors, private to the library: value by value, this would cost a tenth of the COPY that it watches.
      tally.add(input.rowCount, sumOf((input.getColumnVector(0) as DuckDBUBigIntVector)['items']))
      const ones = output as DuckDBUTinyIntVector
      ones['items'].fill(1)
      ones.flush()
    },
  })
}

/** By halves of 32 bits, which a double adds up exactly for any chunk: a hundred times as fast as bigints. */
function sumOf(values: BigUint64Array): bigint {
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  let low = 0
  let high = 0
  for (let at = 0; at < halves.length; at += 2) {
    low += halves[at] as number
    high += halves[at + 1] as number
  }
  return BigInt(low) + (BigInt(high) << 32n)
}
