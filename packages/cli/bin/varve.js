#!/usr/bin/env node
// There before anything is compiled, so that an installation can link it.
import '../dist/main.js'
