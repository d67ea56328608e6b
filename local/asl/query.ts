import { createHash } from 'node:crypto'
import jsonata from 'jsonata'
import { AslError } from './errors.ts'
import type { AslRuntime, Scope } from './runtime.ts'

type Expression = ReturnType<typeof jsonata>

/**
 * A JSON template with every `{% … %}` string replaced by its value. Fails with `States.QueryEvaluationError` when an
 * expression does not parse, throws, or gives nothing: Step Functions does not drop such a field, it fails the state
 * (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
 */
export async function evaluate(template: unknown, scope: Scope, runtime: AslRuntime): Promise<unknown> {
  if (typeof template === 'string') return evaluateText(template, scope, runtime)
  if (Array.isArray(template)) return Promise.all(template.map(each => evaluate(each, scope, runtime)))
  if (typeof template !== 'object' || template === null) return template
  const fields = Object.entries(template).map(
    async ([name, value]) => [name, await evaluate(value, scope, runtime)] as const,
  )
  return Object.fromEntries(await Promise.all(fields))
}

/** A number, or an expression that gives one. */
export async function evaluateNumber(template: number | string, scope: Scope, runtime: AslRuntime): Promise<number> {
  const value = await evaluate(template, scope, runtime)
  if (typeof value === 'number') return value
  throw new AslError('States.QueryEvaluationError', `${template} is not a number`)
}

/** Text, or an expression that gives text. */
export async function evaluateString(template: string, scope: Scope, runtime: AslRuntime): Promise<string> {
  const value = await evaluate(template, scope, runtime)
  if (typeof value === 'string') return value
  throw new AslError('States.QueryEvaluationError', `${template} is not a string`)
}

async function evaluateText(text: string, scope: Scope, runtime: AslRuntime): Promise<unknown> {
  const source = /^\{%([\s\S]*)%\}$/.exec(text)?.[1]
  if (source === undefined) return text
  const value = await evaluateExpression(source, scope, runtime)
  if (value === undefined)
    throw new AslError(
      'States.QueryEvaluationError',
      `The JSONata expression '${source.trim()}' returned nothing (undefined).`,
    )
  // JSONata marks its sequences with hidden properties; only plain JSON leaves a state.
  return JSON.parse(JSON.stringify(value))
}

async function evaluateExpression(source: string, scope: Scope, runtime: AslRuntime): Promise<unknown> {
  try {
    const bindings = { ...extraFunctions(runtime), ...scope.variables, states: scope.states }
    return await compile(source).evaluate(undefined, bindings)
  } catch (error) {
    const message = hasMessage(error) ? error.message : String(error)
    throw new AslError('States.QueryEvaluationError', `${source.trim()}: ${message}`, { cause: error })
  }
}

/** JSONata throws plain objects with a code and a message. */
const hasMessage = (error: unknown): error is { readonly message: string } =>
  typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'

/** Definitions are few and fixed, so the cache is as large as they are. */
const compiled = new Map<string, Expression>()

function compile(source: string): Expression {
  const known = compiled.get(source)
  if (known) return known
  const expression = jsonata(source)
  compiled.set(source, expression)
  return expression
}

const NOW = jsonata('$fromMillis($ms, $picture, $zone)')

/** Functions that Step Functions adds to JSONata, and those of JSONata that would read the machine's clock or randomness. */
function extraFunctions(runtime: AslRuntime): Readonly<Record<string, unknown>> {
  return {
    partition: (items: readonly unknown[], size: number) =>
      Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, at * size + size)),
    range: (first: number, last: number, step: number) =>
      Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, at) => first + at * step),
    hash: (data: string, algorithm: string) =>
      createHash(algorithm.replace('-', '').toLowerCase()).update(data).digest('hex'),
    parse: (json: string) => JSON.parse(json),
    uuid: () => runtime.ids.uuid(),
    random: () => runtime.ids.random(),
    millis: () => runtime.clock.nowMs(),
    now: (picture?: string, zone?: string) => NOW.evaluate(undefined, { ms: runtime.clock.nowMs(), picture, zone }),
    eval: () => {
      throw new Error('$eval is not available in Step Functions')
    },
  }
}
