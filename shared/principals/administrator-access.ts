/** The policy that allows everything, under the name AWS gives it. */

export const ADMINISTRATOR_ACCESS = {
  AdministratorAccess: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  },
}
