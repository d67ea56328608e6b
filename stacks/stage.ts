/** Whether this stage stays: data and keys then outlive `sst remove`. Decided once, in sst.config.ts. */
export const isProduction = (): boolean => $app.removal !== 'remove'

/** `sluice-<stage>-<name>`: for resources that have to be known by name, in logs, alarms and policies. */
export const named = (name: string): string => `${$app.name}-${$app.stage}-${name}`

/** Options of resources that hold or unlock data. SST retains buckets by itself, but neither keys nor catalog entries. */
export const keepData = (): { readonly retainOnDelete: boolean } => ({ retainOnDelete: isProduction() })

export const accountId = () => aws.getCallerIdentityOutput({}).accountId
export const region = () => aws.getRegionOutput({}).region

/** Of a state machine of this stage, by the name that `stateMachine` gives it: a function that starts it is made before it. */
export const machineArn = (name: string) =>
  $interpolate`arn:aws:states:${region()}:${accountId()}:stateMachine:${named(name)}`

/**
 * The role of the one function that deletes. By a name that is known beforehand, because the bucket's policy and the role would
 * otherwise wait for each other; with the region, because the names of roles are the account's.
 */
export const sweeperRole = () => roleNamed('sweep')

/** The role that an operator takes on to erase a person's records: by name for the same reason. */
export const eraserRole = () => roleNamed('erase')

function roleNamed(role: string) {
  const name = $interpolate`${named(role)}-${region()}`
  return { name, arn: $interpolate`arn:aws:iam::${accountId()}:role/${name}` }
}
