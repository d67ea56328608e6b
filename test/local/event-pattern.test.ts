// A pattern matches an event exactly when EventBridge would send it: fields are joined by AND, values by OR, and every
// operator of event buses behaves as the user guide says (eb-create-pattern-operators.html).
import { expect, test } from 'vitest'
import { matches } from '#local/event-pattern.ts'
import type { EventPattern } from '#workflows/rules.ts'

const event = {
  source: 'aws.s3',
  'detail-type': 'Object Created',
  resources: ['arn:aws:s3:::landing', 'arn:aws:s3:::other'],
  detail: {
    bucket: { name: 'landing' },
    object: { key: 'orders/2026/a*b.JSON', size: 42, etag: null, tags: [] },
    ip: '10.0.0.17',
    ip6: '2001:db8::17',
    deleted: false,
    parts: [
      { n: 1, ok: true },
      { n: 2, ok: false },
    ],
  },
}

const detail = (pattern: EventPattern): EventPattern => ({ detail: pattern })
const object = (pattern: EventPattern): EventPattern => detail({ object: pattern })

const MATCHING: readonly [string, EventPattern][] = [
  ['an empty pattern', {}],
  ['one of several values', { source: ['aws.ec2', 'aws.s3'] }],
  ['every field', { source: ['aws.s3'], 'detail-type': ['Object Created'] }],
  ['a nested field', detail({ bucket: { name: ['landing'] } })],
  ['an array that holds the value', { resources: ['arn:aws:s3:::other'] }],
  ['a number', object({ size: [42] })],
  ['a boolean', detail({ deleted: [false] })],
  ['null', object({ etag: [null] })],
  ['one element of an array of objects', detail({ parts: { n: [2], ok: [false] } })],
  ['prefix', object({ key: [{ prefix: 'orders/' }] })],
  ['prefix, ignoring case', object({ key: [{ prefix: { 'equals-ignore-case': 'ORDERS/' } }] })],
  ['suffix', object({ key: [{ suffix: '.JSON' }] })],
  ['suffix, ignoring case', object({ key: [{ suffix: { 'equals-ignore-case': '.json' } }] })],
  ['equals-ignore-case', { 'detail-type': [{ 'equals-ignore-case': 'object created' }] }],
  ['wildcard', object({ key: [{ wildcard: 'orders/*/*.JSON' }] })],
  ['wildcard with an escaped star', object({ key: [{ wildcard: '*a\\*b.JSON' }] })],
  ['wildcard that is not a regular expression', object({ key: [{ wildcard: '*a*b.JSON' }] })],
  ['numeric', object({ size: [{ numeric: ['=', 42] }] })],
  ['numeric range', object({ size: [{ numeric: ['>', 0, '<=', 42] }] })],
  ['cidr', detail({ ip: [{ cidr: '10.0.0.0/24' }] })],
  ['cidr of everything', detail({ ip: [{ cidr: '0.0.0.0/0' }] })],
  ['cidr of version 6', detail({ ip6: [{ cidr: '2001:db8::/32' }] })],
  ['exists', object({ key: [{ exists: true }] })],
  ['exists: null is a value', object({ etag: [{ exists: true }] })],
  ['exists: false on a missing field', object({ version: [{ exists: false }] })],
  ['exists: false on a missing parent', detail({ request: { id: [{ exists: false }] } })],
  ['exists: false on an empty array', object({ tags: [{ exists: false }] })],
  ['anything-but', { source: [{ 'anything-but': 'aws.ec2' }] }],
  ['anything-but a list', { source: [{ 'anything-but': ['aws.ec2', 'sluice'] }] }],
  ['anything-but a number', object({ size: [{ 'anything-but': [1, 2] }] })],
  ['anything-but prefix', object({ key: [{ 'anything-but': { prefix: 'raw/' } }] })],
  ['anything-but several suffixes', object({ key: [{ 'anything-but': { suffix: ['.csv', '.tmp'] } }] })],
  ['anything-but wildcard', object({ key: [{ 'anything-but': { wildcard: '*/lib/*' } }] })],
  ['anything-but equals-ignore-case', { source: [{ 'anything-but': { 'equals-ignore-case': 'AWS.EC2' } }] }],
  ['$or', { $or: [{ source: ['aws.ec2'] }, { 'detail-type': ['Object Created'] }] }],
  ['$or below a field', object({ $or: [{ size: [1] }, { key: [{ prefix: 'orders' }] }] })],
]

const MISSING: readonly [string, EventPattern][] = [
  ['another value', { source: ['sluice'] }],
  ['one field of two', { source: ['aws.s3'], 'detail-type': ['Object Deleted'] }],
  ['a field that is not there', { account: ['1'] }],
  ['text for a number', object({ size: ['42'] })],
  ['a value for an object', detail({ bucket: ['landing'] })],
  ['a pattern for a value', { source: { name: ['aws.s3'] } }],
  ['two elements of an array of objects', detail({ parts: { n: [1], ok: [false] } })],
  ['prefix in the middle', object({ key: [{ prefix: '2026' }] })],
  ['suffix with other case', object({ key: [{ suffix: '.json' }] })],
  ['wildcard is anchored', object({ key: [{ wildcard: 'rders/*' }] })],
  ['wildcard with an escaped star that is not there', object({ key: [{ wildcard: 'orders\\*' }] })],
  ['numeric out of range', object({ size: [{ numeric: ['>', 0, '<', 42] }] })],
  ['numeric on text', { source: [{ numeric: ['>', 0] }] }],
  ['cidr', detail({ ip: [{ cidr: '10.0.0.0/28' }] })],
  ['cidr of the other version', detail({ ip: [{ cidr: '2001:db8::/32' }] })],
  ['cidr of version 6', detail({ ip6: [{ cidr: '2001:db9::/32' }] })],
  ['exists on an object', detail({ bucket: [{ exists: true }] })],
  ['exists on a missing field', object({ version: [{ exists: true }] })],
  ['exists: false on a field', object({ key: [{ exists: false }] })],
  ['anything-but', { source: [{ 'anything-but': ['aws.s3'] }] }],
  ['anything-but on a missing field', { account: [{ 'anything-but': 'x' }] }],
  ['anything-but prefix', object({ key: [{ 'anything-but': { prefix: 'orders/' } }] })],
  ['anything-but several suffixes', object({ key: [{ 'anything-but': { suffix: ['.csv', '.JSON'] } }] })],
  ['$or', { $or: [{ source: ['aws.ec2'] }, { 'detail-type': ['x'] }] }],
]

test.each(MATCHING)('matches: %s', (_name, pattern) => {
  expect(matches(pattern, event)).toBe(true)
})

test.each(MISSING)('does not match: %s', (_name, pattern) => {
  expect(matches(pattern, event)).toBe(false)
})

test.each<[string, EventPattern]>([
  ['an operator that does not exist', { source: [{ like: 'aws' }] }],
  ['two operators at once', { source: [{ prefix: 'aws', suffix: 's3' }] }],
  ['an empty list', { source: [] }],
  ['a comparison that does not exist', { detail: { object: { size: [{ numeric: ['!', 1] }] } } }],
  ['a malformed network', { detail: { ip: [{ cidr: '10.0.0.0/33' }] } }],
])('refuses %s, as EventBridge refuses the rule', (_name, pattern) => {
  expect(() => matches(pattern, event)).toThrow('Event pattern is not valid')
})
