(function_definition) @function

(command_name (word) @reference)
