#include "cli/cli.h"

int main(int count, char** arguments) { return keyturn::cli::run(count, arguments); }
