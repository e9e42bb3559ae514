(function_definition) @function
(class_specifier name: (_) body: (_)) @class
(struct_specifier name: (_) body: (_)) @struct
(union_specifier name: (_) body: (_)) @union
(enum_specifier name: (_) body: (_)) @enum
(namespace_definition name: (_)) @namespace
(type_definition) @type
(preproc_function_def) @macro

(call_expression function: (identifier) @reference)
(field_expression field: (field_identifier) @reference)
(qualified_identifier name: (identifier) @reference)
(type_identifier) @reference

(preproc_include path: (_) @import)
