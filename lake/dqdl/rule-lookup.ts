import type { Parameter } from './ast.ts'
import { type Cursor, spelling } from './cursor.ts'
import type { Token } from './lexer.ts'
import { arity, formsOf, RULE_NAMES, type RuleType, ruleTypeOf } from './rule-types.ts'

interface Named {
  readonly name: Token
  readonly parameters: readonly Parameter[]
  readonly what: 'Rule' | 'Analyzer'
}

/** The type of a rule by its name and the number of its parameters; fails with the nearest one that exists. */
export function lookUp(cursor: Cursor, { name, parameters, what }: Named): RuleType {
  const type = ruleTypeOf(name.text, parameters.length)
  if (type) return type
  const forms = formsOf(name.text)
  if (forms.length === 0) {
    const near = nearest(name.text)
    return cursor.refuse(`${what} Type: ${name.text} is not valid`, {
      span: name.span,
      fix: near === undefined ? `the rules are ${RULE_NAMES.join(', ')}` : `did you mean ${near}?`,
    })
  }
  const count = `${parameters.length} parameter${parameters.length === 1 ? '' : 's'}`
  const { why, fix } = explanation(name.text, parameters) ?? { why: '', fix: `it takes ${arity(forms)}` }
  const span = { start: name.span.start, end: cursor.last.span.end }
  return cursor.refuse(`${what} Type: ${name.text} is not valid with ${count}${why}`, { span, fix })
}

/** Too many parameters are mostly a word that is none. */
function explanation(
  name: string,
  parameters: readonly Parameter[],
): { readonly why: string; readonly fix: string } | undefined {
  const words = parameters.filter(each => !each.quoted)
  const second = words.find(each => formsOf(each.value).length > 0)
  if (second && /^and$/i.test(second.connector ?? ''))
    return {
      why: ': without parentheses "and" joins parameters',
      fix: `write (${name} …) and (${second.value} …)`,
    }
  if (second)
    return {
      why: ': it goes on to the next comma',
      fix: `rules are separated by commas: write one before ${second.value}`,
    }
  const misspelt = words.flatMap(({ value }) => {
    const fix = spelling({ kind: 'word', text: value })
    return fix === undefined ? [] : [{ why: `: "${value}" is read as a name`, fix }]
  })
  if (misspelt[0]) return misspelt[0]
  const is = words.find(each => /^(is|like|rlike|equals)$/i.test(each.value))
  if (is === undefined) return undefined
  const meant = is.value.toLowerCase().endsWith('like') ? 'matches "…"' : '= …'
  return { why: `: "${is.value}" is read as a name`, fix: `write ${meant} instead of ${is.value}` }
}

/** The rule whose name is nearest, if any is near. */
function nearest(name: string): string | undefined {
  const ranked = RULE_NAMES.map(each => ({ each, steps: distance(each.toLowerCase(), name.toLowerCase()) }))
  const [best] = ranked.toSorted((left, right) => left.steps - right.steps)
  return best && best.steps <= Math.max(2, Math.floor(name.length / 3)) ? best.each : undefined
}

/** Levenshtein's; of a long name the beginning is enough. */
function distance(left: string, whole: string): number {
  const right = whole.slice(0, 64)
  let row = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[right.length] as number
}
