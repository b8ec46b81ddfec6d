/** Imports the library as a program would and prints the names that it exports, for the test of its entry. */
import * as store from '@varve/store'

process.stdout.write(`${JSON.stringify(Object.keys(store))}\n`)
