// Versions are exact, families are whole, nothing is installed for nobody or imported from nowhere.
import { expect, test } from 'vitest'
import { lockedAddresses, looseVersions, undeclaredPackages, unlockedOptionals, unusedPackages } from './packages.ts'

test.each(['^1.2.3', '~1.2.3', '1.2', '*', 'latest', '>=1.2.3', 'file:../a', '1.2.x'])('%s is no version', version => {
  expect(looseVersions({ devDependencies: { a: version } })).toEqual([`a: "${version}" is not one exact version`])
})

test('exact versions are fine, also of pre-releases; a family has one', () => {
  const dependencies = { a: '1.5.6-r.1', '@aws-sdk/client-s3': '3.1.0', '@aws-sdk/client-glue': '3.1.0' }
  expect(looseVersions({ dependencies })).toEqual([])
  expect(looseVersions({ dependencies, devDependencies: { '@aws-sdk/client-sfn': '3.2.0' } })).toEqual([
    '@aws-sdk/* has 2 versions: 3.1.0, 3.2.0',
  ])
  const powertools = { '@aws-lambda-powertools/logger': '2.0.0', '@aws-lambda-powertools/tracer': '2.0.1' }
  expect(looseVersions({ dependencies: powertools })).toHaveLength(1)
})

test('a package is imported, or listed with what it is for; the list keeps to the truth', () => {
  const files = [{ path: 'lake/a.ts', text: `import 'used'\nimport type { Context } from 'typed'` }]
  const manifest = { dependencies: { used: '1.0.0', idle: '1.0.0' }, devDependencies: { '@types/typed': '1.0.0' } }
  expect(unusedPackages(files, manifest, {})).toEqual(['idle: nothing imports it'])
  expect(unusedPackages(files, manifest, { idle: 'a command' })).toEqual([])
  expect(unusedPackages(files, manifest, { idle: 'a command', used: 'a lie', gone: 'a memory' })).toEqual([
    'used is imported now: drop it from the list',
    'gone is no dependency any more',
  ])
})

test('what is shipped imports what is installed where it runs', () => {
  const manifest = { dependencies: { a: '1.0.0' }, devDependencies: { b: '1.0.0', '@types/c': '1.0.0' } }
  const of = (path: string, line: string) => undeclaredPackages([{ path, text: line }], manifest)
  expect(of('lake/x.ts', `import 'a'`)).toEqual([])
  expect(of('lake/x.ts', `import 'node:fs'`)).toEqual([])
  expect(of('lake/x.ts', `import type { C } from 'c'`)).toEqual([])
  expect(of('lake/x.ts', `import 'b'`)).toEqual(['lake/x.ts:1 imports b, which is installed for development only'])
  expect(of('test/x.test.ts', `import 'b'`)).toEqual([])
  expect(of('test/x.test.ts', `import 'z/deep'`)).toEqual([
    'test/x.test.ts:1 imports z, which package.json does not name',
  ])
})

test('a lock file holds no addresses', () => {
  expect(lockedAddresses('{ "version": "1.0.0", "integrity": "sha512-a" }')).toEqual([])
  expect(lockedAddresses('{ "resolved": "https://a.example/b.tgz" }')).toEqual([
    'package-lock.json: "resolved": "https://a.example/b.tgz"',
  ])
})

test('an optional package without an entry of its own makes npm ci fail', () => {
  const lock = (packages: object): string =>
    JSON.stringify({ packages: { 'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } }, ...packages } })
  expect(unlockedOptionals(lock({ 'node_modules/a-linux': {} }))).toEqual([])
  expect(unlockedOptionals(lock({ 'node_modules/a/node_modules/a-linux': {} }))).toEqual([])
  expect(unlockedOptionals(lock({}))).toEqual([
    'a-linux of node_modules/a has no entry: run "node .ci/complete-lockfile.mjs"',
  ])
})
