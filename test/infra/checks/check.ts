import type { Graph, Resource } from '../graph.ts'

/** Something that must hold of every stage, with an edit after which it does not: a check that cannot fail checks nothing. */
export interface Check {
  readonly name: string
  /** What is wrong, one line each; empty when all is well. */
  readonly find: (graph: Graph) => readonly string[]
  readonly breakIt: (graph: Editable) => void
}

/** A copy of a graph that a test may spoil. */
export type Editable = { resources: Resource[] } & { -readonly [Field in keyof Graph]: Graph[Field] }

export const ofType = (graph: Pick<Graph, 'resources'>, type: string): readonly Resource[] =>
  graph.resources.filter(each => each.type === type)

/** The one resource of that type and name; a test about a resource that is gone must not pass. */
export function one(graph: Pick<Graph, 'resources'>, type: string, name: string): Resource {
  const found = ofType(graph, type).filter(each => each.name === name)
  if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${name}`)
  return found[0]!
}

export const BUCKET = 'aws:s3/bucket:Bucket'
export const FUNCTION = 'aws:lambda/function:Function'
export const MACHINE = 'aws:sfn/stateMachine:StateMachine'
export const QUEUE = 'aws:sqs/queue:Queue'
export const ROLE = 'aws:iam/role:Role'
export const RULE = 'aws:cloudwatch/eventRule:EventRule'
export const SCHEDULE = 'aws:scheduler/schedule:Schedule'
export const STREAM = 'aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream'
export const TARGET = 'aws:cloudwatch/eventTarget:EventTarget'
export const TOPIC = 'aws:sns/topic:Topic'

// --- Policies ------------------------------------------------------------------------------------------------------

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: unknown
  readonly Action?: string | readonly string[]
  readonly NotAction?: unknown
  readonly Resource?: string | readonly string[]
  readonly NotResource?: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export const parsePolicy = (json: string): readonly Statement[] => JSON.parse(json).Statement

/** What a role may do, all its inline policies together. */
export const roleStatements = (role: Resource): readonly Statement[] =>
  (role.inputs.inlinePolicies ?? []).flatMap((each: { readonly policy: string }) => parsePolicy(each.policy))

export const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value

/** The role that a function runs with. */
export function roleOf(graph: Pick<Graph, 'resources'>, fn: Resource): Resource {
  const role = ofType(graph, ROLE).find(each => each.arn === fn.inputs.role)
  if (!role) throw new Error(`${fn.name} has no role in the graph`)
  return role
}

/** Replaces the first statement of a JSON policy that a test wants spoiled. */
export function editPolicy(json: string, edit: (statements: Statement[]) => Statement[]): string {
  const policy = JSON.parse(json)
  return JSON.stringify({ ...policy, Statement: edit(policy.Statement) })
}

export function allow(role: Resource, statement: Partial<Statement>): void {
  const policy = role.inputs.inlinePolicies[0]
  policy.policy = editPolicy(policy.policy, all => [...all, { Effect: 'Allow', ...statement }])
}
