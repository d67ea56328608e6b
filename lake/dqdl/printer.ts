import type {
  Analyzer,
  CompositeRule,
  Condition,
  DateOperand,
  Duration,
  Labels,
  NumberOperand,
  Parameter,
  Rule,
  Ruleset,
  SimpleRule,
  Size,
  StringOperand,
  Tag,
} from './ast.ts'

/** The canonical text, as AWS's model prints itself: variables and default labels are left out, references to variables stay. */
export function printRuleset({ metadata, sources, rules, analyzers }: Ruleset): string {
  const parts = [
    section(
      'Metadata = {',
      '}',
      Object.entries(metadata).map(([key, value]) => `"${key}": "${value}"`),
    ),
    section('DataSources = {', '}', sourceLines(sources)),
    section('Rules = [', ']', rules.map(printRule)),
    section('Analyzers = [', ']', analyzers.map(printAnalyzer)),
  ]
  return parts.filter(part => part !== '').join('\n\n')
}

function section(open: string, close: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `${open}\n${items.map(item => `    ${item}`).join(',\n')}\n${close}`
}

function sourceLines({ primary, additional }: Ruleset['sources']): readonly string[] {
  return [
    ...(primary ? [`"Primary": "${primary}"`] : []),
    ...(additional.length > 0
      ? [`"AdditionalDataSources": [ ${additional.map(name => `"${name}"`).join(', ')} ]`]
      : []),
  ]
}

/** One rule: where, threshold, other tags, labels, in this order. */
export function printRule(rule: Rule): string {
  return rule.kind === 'composite' ? printComposite(rule) : printSimple(rule)
}

function printComposite({ operator, rules, labels }: CompositeRule): string {
  const chain = rules.map(rule => `(${printRule(rule)})`).join(` ${operator.toUpperCase()} `)
  return Object.keys(labels).length === 0 ? chain : `(${chain})${printLabels(labels)}`
}

function printSimple({ type, parameters, condition, where, threshold, tags, labels }: SimpleRule): string {
  const head = [type.name, ...parameters.map(printParameter), ...(condition ? [printCondition(condition)] : [])].join(
    ' ',
  )
  const filter = where === undefined ? '' : ` where "${where}"`
  const share = threshold === undefined ? '' : ` with threshold ${printCondition(threshold)}`
  return `${head}${filter}${share}${tags.map(printTag).join('')}${printLabels(labels)}`
}

export function printAnalyzer({ type, parameters }: Analyzer): string {
  return [type.name, ...parameters.map(printParameter)].join(' ')
}

function printParameter({ raw, quoted, connector, variable }: Parameter): string {
  const text = variable !== undefined ? `$${variable}` : quoted ? `"${raw}"` : raw
  return connector === undefined ? text : `${connector} ${text}`
}

const printTag = ({ name, text }: Tag): string => ` with ${name} = ${text}`

function printLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `"${key}"="${value}"`)
  return pairs.length === 0 ? '' : ` labels=[${pairs.join(', ')}]`
}

// --- Conditions ----------------------------------------------------------------------------------------------------

/** `between 1 and 2`, `in [1,2]`, `= "a"`. */
export function printCondition(condition: Condition): string {
  const { operator } = condition
  if (condition.kind === 'string' && condition.variable !== undefined) return `${operator} $${condition.variable}`
  const operands = printOperands(condition)
  switch (operator) {
    case 'between':
    case 'not between':
      return `${operator} ${operands.join(' and ')}`
    case 'in':
    case 'not in':
      return `${operator} [${operands.join(',')}]`
    default:
      return `${operator} ${operands[0]}`
  }
}

function printOperands(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'number':
      return condition.operands.map(printNumber)
    case 'string':
      return condition.operands.map(printText)
    case 'date':
      return condition.operands.map(printDate)
    case 'duration':
      return condition.operands.map(printDuration)
    case 'size':
      return condition.operands.map(printSize)
  }
}

export function printNumber(operand: NumberOperand): string {
  switch (operand.kind) {
    case 'literal':
      return operand.text
    case 'null':
      return 'NULL'
    case 'call':
      return `${operand.name}(${operand.arguments.map(printNumber).join(',')})`
    case 'binary': {
      const text = `${printNumber(operand.left)} ${operand.operator} ${printNumber(operand.right)}`
      return operand.inParentheses ? `(${text})` : text
    }
  }
}

/** AWS's model escapes single quotes for Spark SQL, and prints them so. */
export function printText(operand: StringOperand): string {
  return operand.kind === 'keyword' ? operand.keyword : `"${operand.raw.replace(/(?<!\\)'/g, "\\'")}"`
}

function printDate(operand: DateOperand): string {
  switch (operand.kind) {
    case 'date':
    case 'time':
      return `"${operand.text}"`
    case 'null':
      return 'NULL'
    case 'now':
      return operand.offset ? `(now() ${operand.offset.sign} ${printDuration(operand.offset.duration)})` : 'now()'
  }
}

const printDuration = ({ amount, unit }: Duration): string => `${amount} ${unit}`
const printSize = ({ amount, unit }: Size): string => `${amount} ${unit ?? 'B'}`
