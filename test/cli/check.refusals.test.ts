// What cannot be checked is refused with 2, never with the 1 of a failed rule, in one line that says what and one that says what to do,
// before any data is read; and what a ruleset says can reach no file but those that were given.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CheckBench, checkBench } from './check-bench.ts'

let bench: CheckBench
beforeAll(() => {
  bench = checkBench()
  bench.write('r.dqdl', 'Rules = [ RowCount > 0 ]\n')
  bench.write('latin.dqdl', Buffer.from('# caf\xe9\nRules = [ RowCount > 0 ]\n', 'latin1'))
  bench.write('a.csv', 'a\n1\n')
  bench.write('secret.csv', 'key\nhunter2\n')
  bench.write('notes.txt', 'a\n')
  bench.write('a.parquet.gz', 'x')
  mkdirSync(join(bench.folder, 'folder.csv'))
})
afterAll(() => bench.remove())

test.each([
  [[], 'sluice check needs a file of rules', 'sluice check RULES-FILE --data FILE'],
  [['r.dqdl'], 'there is no data to check', 'sluice check r.dqdl --data FILE-OR-TABLE'],
  [
    ['r.dqdl', 'a.csv'],
    'sluice check: too many arguments: a.csv',
    'use it as: sluice check orders.dqdl --data orders.csv',
  ],
  [['r.dqdl', '--data', ''], 'the name of the data is empty', 'name a file or a table'],
  [['r.dqdl', '--data', 'b.csv'], 'there is no file b.csv', 'in this folder there is a.csv'],
  [['r.dqdl', '--data', 'nowhere/b.csv'], 'there is no file nowhere/b.csv', 'there is no folder nowhere either'],
  [['r.dqdl', '--data', 'secrets.csv'], 'there is no file secrets.csv', 'in this folder there is secret.csv'],
  [['r.dqdl', '--data', 'folder.csv'], 'folder.csv is a folder', 'name one of the files in it'],
  [['r.dqdl', '--data', 'notes.txt'], 'the name of notes.txt does not say what is in it', 'let it end in .csv'],
  [['r.dqdl', '--data', 'a.parquet.gz'], 'a.parquet.gz is a compressed Parquet file', 'unpack it'],
  [['no.dqdl', '--data', 'a.csv'], 'there is no file no.dqdl that can be read', 'name a file of rules'],
  [['folder.csv', '--data', 'a.csv'], 'folder.csv is a folder', 'name a file of rules'],
  [['latin.dqdl', '--data', 'a.csv'], 'latin.dqdl is not UTF-8', 'save it as UTF-8'],
  [['r.dqdl', '--data', 'a.csv', '--mode', 'strict'], '--mode strict is neither aws nor lenient', 'lenient takes'],
  [['r.dqdl', '--data', 'a.csv', '--rows', 'rows.txt'], '--rows rows.txt does not say what to write', 'let it end in'],
  [['r.dqdl', '--data', 'a.csv', '--rows', 'rows.parquet.gz'], '--rows rows.parquet.gz does not say', 'let it end in'],
  [
    ['r.dqdl', '--data', 'a.csv', '--rows', 'no/rows.csv'],
    'there is no folder for --rows no/rows.csv',
    'make the folder',
  ],
  [['r.dqdl', '--data', 'a.csv', '--at', '2024-01-01'], '--at names a moment of tables', 'leave it out'],
  [['r.dqdl', '--data', 'a.csv', '--at', 'soon'], '--at soon is neither a snapshot id nor a time', 'give the digits'],
  [['--suggest'], 'there is no data to propose rules for', 'sluice check --suggest --data FILE-OR-TABLE'],
  [
    ['--suggest', 'r.dqdl', '--data', 'a.csv'],
    '--suggest takes no file of rules',
    'sluice check --suggest --data a.csv',
  ],
  [['--suggest', '--data', 'b.csv'], 'there is no file b.csv', 'in this folder there is a.csv'],
])('%j', async (argv, message, next) => {
  const ran = await bench.run(['check', ...argv])
  const [first, second, ...rest] = ran.err.trimEnd().split('\n')
  expect(first).toContain(`error: ${message}`)
  expect(second).toContain(`next:  ${next}`)
  expect(rest).toEqual([])
  expect(ran.code).toBe(2)
  expect(ran.out).toBe('')
})

test('a statement in the rules reads nothing but the given data', async () => {
  const paths = ['secret.csv', join(bench.folder, 'secret.csv'), '/etc/hostname', '../secret.csv']
  const statements = paths.flatMap(path => [`select * from '${path}'`, `select * from read_csv('${path}')`])
  const rules = statements.map(statement => `CustomSql "${statement}" = 1`).join(', ')
  const { rules: judged } = await bench.judge(rules, ['--data', 'a.csv'])
  expect(judged.map(rule => rule.outcome)).not.toContain('Passed')
  expect(JSON.stringify(judged)).not.toContain('hunter2')
})

test('--debug shows the stack', async () => {
  const ran = await bench.run(['check', 'r.dqdl', '--data', 'b.csv', '--debug'])
  expect(ran.err).toMatch(/error: there is no file b\.csv\nnext: .*\n {2}not-found .*\n +at /)
})

test('--help names every option', async () => {
  const ran = await bench.run(['check', '--help'])
  for (const option of ['--data', '--source', '--rows', '--suggest', '--mode', '--at', '--full', '--json'])
    expect(ran.out).toContain(option)
})
