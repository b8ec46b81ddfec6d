/** What queries ask that the log answers slowly. Never decides anything. */
export { GIT_ID_KEY, type ProjectedCommit, Projections, type ProjectionSource } from './projections.ts'
