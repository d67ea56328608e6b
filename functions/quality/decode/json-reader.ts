import { ByteWriter } from './byte-writer.ts'
import { JsonCursor, RecordProblem } from './json-cursor.ts'
import { type Plan, type PlanLeaf, type PlanStruct, recordPlan, type Slot } from './json-plan.ts'
import type { recordShape } from './json-shape.ts'
import { compactJson, exactNumberText, numberText } from './json-text.ts'

export interface Unknown {
  /** Dotted path of the field, and its JSON text. */
  readonly path: string
  readonly json: string
  /** Whether it stands in the record itself, not in a struct of it. */
  readonly top: boolean
}

export interface Rewritten {
  /** JSON members in the contract's text shape, without the braces; valid until the next record is read. */
  readonly fields: Buffer
  readonly unknown: readonly Unknown[]
}

const [QUOTE, COMMA, BRACE, BRACE_END, BRACKET, SMALL_N] = [0x22, 0x2c, 0x7b, 0x7d, 0x5b, 0x6e]

/**
 * Rewrites records into the contract's text shape: known fields under their current names, every leaf as a string holding the
 * exact source text. Fields that the contract does not know are collected apart. Most of a record is copied in long runs:
 * `#mark` is where the run that is not yet copied begins, negative when there is none.
 */
export class JsonReader {
  readonly cursor = new JsonCursor()
  readonly #plan: PlanStruct
  readonly #columnar: boolean
  readonly #out = new ByteWriter()
  #mark = -1
  #unknown: Unknown[] = []

  constructor(shape: ReturnType<typeof recordShape>, { columnar }: { readonly columnar: boolean }) {
    this.#columnar = columnar
    this.#plan = recordPlan(shape)
  }

  /** Reads the record at the cursor. Fails with RecordProblem. */
  record(): Rewritten {
    this.#out.length = 0
    this.#mark = -1
    this.#unknown = []
    this.cursor.depth = 0
    this.cursor.newline = false
    if (this.cursor.peek() !== BRACE) {
      this.cursor.value()
      throw new RecordProblem('not_object', 'a JSON value that is no object stands where a record is expected')
    }
    const end = this.#members(this.#plan, '')
    this.#copyTo(end)
    // Line ends stand between values only, and a record is one line of the file that it goes to.
    const fields = this.#out.written
    if (this.cursor.newline) withoutLineEnds(fields)
    return { fields, unknown: this.#unknown }
  }

  #copyTo(end: number): void {
    if (this.#mark >= 0) this.#out.copy(this.cursor.bytes, this.#mark, end)
    this.#mark = -1
  }

  // --- Objects -------------------------------------------------------------------------------------------------------

  /** Returns where the last member that was taken over ends; what follows it in the source may be copied if nothing is added. */
  #members(plan: PlanStruct, path: string): number {
    const { cursor } = this
    const round = ++plan.round
    let strangers: Set<string> | undefined
    let end = cursor.at + 1
    let first = true
    cursor.members(index => {
      const start = cursor.at
      const guess = plan.guesses[index]
      let slot = guess !== undefined && cursor.skips(guess.source) ? guess : undefined
      const key = slot === undefined ? cursor.key() : slot.key
      slot ??= plan.keys.get(key)
      if (slot === undefined) {
        if (strangers?.has(key)) throw twice(path + key)
        strangers = (strangers ?? new Set()).add(key)
      } else {
        plan.guesses[index] = slot
        this.#see(slot, round, path)
      }
      cursor.colon()
      if (slot === undefined || (slot.field.soft && !fits(slot.field.plan, cursor.peek()))) {
        this.#copyTo(end)
        this.#rescue(path + key, path === '' && slot === undefined)
        return
      }
      if (this.#mark < 0) {
        if (!first) this.#out.byte(COMMA)
        this.#mark = start
      }
      if (slot.renamed !== undefined) {
        this.#copyTo(start)
        this.#out.text(slot.renamed)
        this.#mark = cursor.at
      }
      this.#value(slot.field.plan, path + slot.field.name)
      end = cursor.at
      first = false
    })
    if (strangers) checkCases(plan, strangers, path)
    for (const field of plan.defaults) {
      if (field.round === round) continue
      this.#copyTo(end)
      this.#out.text(first ? (field.default as string) : `,${field.default}`)
      first = false
    }
    return end
  }

  #see({ field, key }: Slot, round: number, path: string): void {
    if (field.round === round)
      throw field.seenAs === key
        ? twice(path + key)
        : new RecordProblem(
            'ambiguous_column',
            `"${path}${field.seenAs}" and "${path}${key}" both give ${path}${field.name}`,
          )
    field.round = round
    field.seenAs = key
  }

  #rescue(path: string, top: boolean): void {
    const start = this.cursor.at
    const absent = this.#columnar && this.cursor.peek() === SMALL_N
    this.cursor.value()
    if (!absent) this.#unknown.push({ path, json: this.cursor.text(start, this.cursor.at), top })
  }

  // --- Values --------------------------------------------------------------------------------------------------------

  #value(plan: Plan, path: string): void {
    const { cursor } = this
    const byte = cursor.peek()
    if (byte === SMALL_N) cursor.scalar()
    else if (plan.kind === 'leaf') this.#leaf(plan, path)
    else if (!fits(plan, byte)) {
      cursor.value()
      throw new RecordProblem(misfit(path), `${path}: not ${plan.kind === 'list' ? 'an array' : 'an object'}`)
    } else if (plan.kind === 'list') cursor.elements(() => this.#value(plan.element, `${path}[]`))
    else if (plan.kind === 'map') this.#map(plan.value, path)
    else {
      const end = this.#members(plan, `${path}.`)
      // Where the run was broken, by something left out or added, the brace is no part of it any more.
      if (this.#mark < 0 || end < this.#mark) {
        this.#copyTo(end)
        this.#out.byte(BRACE_END)
        this.#mark = cursor.at
      }
    }
  }

  #leaf(plan: PlanLeaf, path: string): void {
    const { cursor } = this
    const start = cursor.at
    const byte = cursor.peek()
    if (byte === QUOTE) {
      cursor.string()
      return
    }
    const nested = byte === BRACE || byte === BRACKET
    cursor.value()
    if (nested && !plan.text)
      throw new RecordProblem(
        misfit(path),
        `${path}: ${byte === BRACE ? 'an object' : 'an array'} is not ${plan.label}`,
      )
    this.#copyTo(start)
    if (nested) this.#out.text(JSON.stringify(compactJson(cursor.text(start, cursor.at))))
    else {
      this.#out.byte(QUOTE)
      if (plan.text) this.#out.text((plan.nested ? numberText : exactNumberText)(cursor.text(start, cursor.at)))
      else this.#out.copy(cursor.bytes, start, cursor.at)
      this.#out.byte(QUOTE)
    }
    this.#mark = cursor.at
  }

  #map(value: Plan, path: string): void {
    const seen = new Set<string>()
    this.cursor.members(() => {
      const key = this.cursor.key()
      if (seen.has(key)) throw new RecordProblem('duplicate_key', `the key "${key}" of ${path} stands twice`)
      seen.add(key)
      this.cursor.colon()
      this.#value(value, `${path}.${key}`)
    })
  }
}

function withoutLineEnds(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0x0a || bytes[at] === 0x0d) bytes[at] = 0x20
}

function fits(plan: Plan, byte: number | undefined): boolean {
  if (byte === SMALL_N) return true
  if (plan.kind === 'leaf') return plan.text || (byte !== BRACE && byte !== BRACKET)
  return byte === (plan.kind === 'list' ? BRACKET : BRACE)
}

const twice = (path: string): RecordProblem => new RecordProblem('duplicate_key', `the key "${path}" stands twice`)

/** `ID` beside `id`: which one was meant, nobody can tell. */
function checkCases(plan: PlanStruct, strangers: ReadonlySet<string>, path: string): void {
  for (const key of strangers) {
    const twin = plan.lower.get(key.toLowerCase())
    if (twin !== undefined && !twin.soft && twin.round === plan.round)
      throw new RecordProblem('ambiguous_column', `"${path}${key}" and "${path}${twin.name}" differ only in case`)
  }
}

/** Reasons are counted, so they name the column only, not the place inside it. */
const misfit = (path: string): string => `type:${path.split(/[.[]/)[0]}`
