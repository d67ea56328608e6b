/** `aws_iam_policy_document` of the Terraform provider, as far as SST and the stacks use it. */
export function policyDocument(args: DocumentArgs): string {
  return JSON.stringify({
    Version: args.version ?? '2012-10-17',
    Statement: (args.statements ?? []).map(statement => ({
      Sid: statement.sid,
      Effect: statement.effect ?? 'Allow',
      Principal: principals(statement.principals),
      NotPrincipal: principals(statement.notPrincipals),
      Action: oneOrMany(statement.actions),
      NotAction: oneOrMany(statement.notActions),
      Resource: oneOrMany(statement.resources),
      NotResource: oneOrMany(statement.notResources),
      Condition: conditions(statement.conditions),
    })),
  })
}

export interface DocumentArgs {
  readonly version?: string
  readonly statements?: readonly StatementArgs[]
}

interface StatementArgs {
  readonly sid?: string
  readonly effect?: string
  readonly actions?: readonly string[]
  readonly notActions?: readonly string[]
  readonly resources?: readonly string[]
  readonly notResources?: readonly string[]
  readonly principals?: readonly PrincipalArgs[]
  readonly notPrincipals?: readonly PrincipalArgs[]
  readonly conditions?: readonly { readonly test: string; readonly variable: string; readonly values: string[] }[]
}

interface PrincipalArgs {
  readonly type: string
  readonly identifiers: readonly string[]
}

function oneOrMany(values: readonly string[] | undefined): string | readonly string[] | undefined {
  return values?.length === 1 ? values[0] : values
}

function principals(all: readonly PrincipalArgs[] | undefined): unknown {
  if (!all || all.length === 0) return undefined
  if (all.some(each => each.type === '*')) return '*'
  return Object.fromEntries(all.map(each => [each.type, oneOrMany(each.identifiers)]))
}

function conditions(all: StatementArgs['conditions']): unknown {
  if (!all || all.length === 0) return undefined
  const byTest: Record<string, Record<string, unknown>> = {}
  for (const { test, variable, values } of all) byTest[test] = { ...byTest[test], [variable]: oneOrMany(values) }
  return byTest
}
