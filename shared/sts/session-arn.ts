/** Names of sessions. IAM User Guide, "IAM identifiers": the role's path is no part of a session's ARN. */

/** @param o.roleArn `arn:aws:iam::<account>:role/<path><name>` */
export function sessionArnOf(o: { roleArn: string; sessionName: string }): string {
  const account = o.roleArn.split(':')[4] ?? ''
  const roleName = o.roleArn.slice(o.roleArn.lastIndexOf('/') + 1)
  return `arn:aws:sts::${account}:assumed-role/${roleName}/${o.sessionName}`
}

/** `AROA…:<session name>`. */
export function sessionUserIdOf(o: { roleId: string; sessionName: string }): string {
  return `${o.roleId}:${o.sessionName}`
}
