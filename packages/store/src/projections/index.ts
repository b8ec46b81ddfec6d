/** What queries ask that the log answers slowly. Never decides anything. */
export { GIT_ID_KEY, type ProjectedCommit, type ProjectionSource, Projections } from './projections.ts'
