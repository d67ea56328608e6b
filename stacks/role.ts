import type { Permission } from './permissions.ts'
import { accountId } from './stage.ts'

/** A role for one AWS service, on behalf of this account only (the "confused deputy" of the IAM user guide). */
export function serviceRole(name: string, service: string, permissions: readonly Permission[]): aws.iam.Role {
  const trust = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ['sts:AssumeRole'],
        principals: [{ type: 'Service', identifiers: [service] }],
        conditions: [{ test: 'StringEquals', variable: 'aws:SourceAccount', values: [accountId()] }],
      },
    ],
  })
  const policy = aws.iam.getPolicyDocumentOutput({ statements: [...permissions] })
  return new aws.iam.Role(name, {
    assumeRolePolicy: trust.json,
    inlinePolicies: [{ name: 'inline', policy: policy.json }],
  })
}

/** A role that people take on: of this account alone, with a second factor, and only who has a policy that lets them. */
export function operatorRole(
  name: string,
  roleName: $util.Input<string>,
  permissions: readonly Permission[],
): aws.iam.Role {
  const trust = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ['sts:AssumeRole'],
        principals: [{ type: 'AWS', identifiers: [$interpolate`arn:aws:iam::${accountId()}:root`] }],
        conditions: [{ test: 'Bool', variable: 'aws:MultiFactorAuthPresent', values: ['true'] }],
      },
    ],
  })
  const policy = aws.iam.getPolicyDocumentOutput({ statements: [...permissions] })
  return new aws.iam.Role(name, {
    name: roleName,
    // The longest there is: what they do may take hours, and a session that ends in its middle asks for the second factor once more.
    maxSessionDuration: 43_200,
    assumeRolePolicy: trust.json,
    inlinePolicies: [{ name: 'inline', policy: policy.json }],
  })
}
