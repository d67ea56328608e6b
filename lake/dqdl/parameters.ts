import type { Parameter } from './ast.ts'
import type { RuleType } from './rule-types.ts'

/** Parameters under the names of AWS's model: repeated ones are numbered, except the single column of these two rules. */
const UNNUMBERED: ReadonlySet<string> = new Set(['Uniqueness', 'IsUnique'])

export function parameterMap(rule: {
  readonly type: RuleType
  readonly parameters: readonly Parameter[]
}): Readonly<Record<string, string>> {
  const { type, parameters } = rule
  const numbered = type.vararg === true && !(UNNUMBERED.has(type.name) && parameters.length === 1)
  const last = type.parameters.length - 1
  return Object.fromEntries(
    parameters.map((parameter, at) => {
      const name = type.parameters[Math.min(at, last)] as string
      return [numbered && at >= last ? `${name}${at + 1}` : name, parameter.raw]
    }),
  )
}
