(class_declaration) @class
(interface_declaration) @interface
(annotation_type_declaration) @interface
(enum_declaration) @enum
(record_declaration) @class
(method_declaration) @method
(constructor_declaration) @method

(method_invocation name: (identifier) @reference)
(field_access field: (identifier) @reference)
(marker_annotation name: (identifier) @reference)
(type_identifier) @reference

(import_declaration (scoped_identifier) @import)
