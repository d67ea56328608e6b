import { leavesOf, type NumberCondition, type NumberOperand, type Ruleset, type SimpleRule } from '#lake/dqdl/ast.ts'

/** What DetectAnomalies looks at: two weeks of a batch every four hours, or three months of one a day. */
const ANOMALY_RUNS = 90
/** What `last(k)` takes at most. */
const LAST_MAX = 1_000

/** How many earlier runs the rules ask for: none, most of the time, and then nothing is read. */
export function historyLength(ruleset: Ruleset): number {
  return Math.max(0, ...ruleset.rules.flatMap(leavesOf).map(lengthOf))
}

function lengthOf({ type, condition, threshold }: SimpleRule): number {
  if (type.name === 'DetectAnomalies') return ANOMALY_RUNS
  const conditions = [condition, threshold].filter((each): each is NumberCondition => each?.kind === 'number')
  return Math.max(0, ...conditions.flatMap(each => each.operands).map(lastOf))
}

function lastOf(operand: NumberOperand): number {
  switch (operand.kind) {
    case 'literal':
    case 'null':
      return 0
    case 'binary':
      return Math.max(lastOf(operand.left), lastOf(operand.right))
    case 'call': {
      const own = operand.name === 'last' ? countOf(operand.arguments) : 0
      return Math.max(own, ...operand.arguments.map(lastOf))
    }
  }
}

/** `last()` is the last one; a count that is computed may be any. */
function countOf([count]: readonly NumberOperand[]): number {
  if (count === undefined) return 1
  return count.kind === 'literal' && count.value >= 1 ? Math.min(Math.ceil(count.value), LAST_MAX) : LAST_MAX
}
