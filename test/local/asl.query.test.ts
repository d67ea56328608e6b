// Expressions: what Step Functions adds to JSONata is there, time and chance come from the runtime, and an expression
// without a value fails the state instead of dropping the field.
import { expect, test } from 'vitest'
import { PAYLOAD_BYTES_MAX } from '#local/asl/errors.ts'
import { execute } from '#local/asl.ts'
import type { StateMachine } from '#workflows/states-language.ts'
import { recording } from './virtual-clock.ts'

const passing = (output: unknown): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States: { A: { Type: 'Pass', Output: output, End: true } },
})

const run = (output: unknown, input: unknown = {}) =>
  execute(passing(output), input, recording(() => null).runtime, { name: 'run', machine: 'test' })

test.each<[string, unknown]>([
  ['{% $partition([1,2,3,4,5], 2) %}', [[1, 2], [3, 4], [5]]],
  ['{% $range(0, 10, 5) %}', [0, 5, 10]],
  ["{% $hash('abc', 'SHA-256') %}", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [`{% $parse('{"a": [1]}').a[0] %}`, 1],
  ['{% $uuid() %}', '00000000-0000-4000-8000-000000000001'],
  ['{% $random() %}', 0.5],
  ['{% $now() %}', '2026-01-01T00:00:00.000Z'],
  ["{% $now('[Y]') %}", '2026'],
  ['{% $millis() %}', Date.UTC(2026, 0, 1)],
  ['{% [1,2,3][$ > 1] %}', [2, 3]],
])('%s', async (expression, value) => {
  expect(await run(expression)).toEqual({ status: 'SUCCEEDED', output: value })
})

test('only whole strings are expressions; everything else is left as it is', async () => {
  const template = { a: 'not {% 1 %}', b: ['{% 1 %}', null, true], c: { d: '{% $states.input.x %}' } }
  expect(await run(template, { x: 'y' })).toEqual({
    status: 'SUCCEEDED',
    output: { a: 'not {% 1 %}', b: [1, null, true], c: { d: 'y' } },
  })
})

test.each(['{% $states.input.missing %}', '{% $unknown %}', '{% 1 + %}', "{% 1 + 'a' %}", "{% $eval('1') %}"])(
  '%s fails with States.QueryEvaluationError',
  async expression => {
    expect(await run({ field: expression })).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' })
  },
)

test('an output of 256 KiB passes, one byte more does not', async () => {
  const text = (bytes: number): string => 'x'.repeat(bytes - 2) // JSON adds two quotes.
  expect(await run('{% $states.input %}', text(PAYLOAD_BYTES_MAX))).toMatchObject({ status: 'SUCCEEDED' })
  expect(await run('{% $states.input %}', text(PAYLOAD_BYTES_MAX + 1))).toMatchObject({
    status: 'FAILED',
    error: 'States.DataLimitExceeded',
  })
  expect(await run("{% $states.input & 'é' %}", text(PAYLOAD_BYTES_MAX - 1))).toMatchObject({
    error: 'States.DataLimitExceeded',
  })
})
