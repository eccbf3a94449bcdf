// Installs what the tests need beyond npm packages. Runs before `npm test`; says what to do where it
// cannot install.
